import { expect, test } from "bun:test";
import { JoinRequest } from "./join-request.ts";

test("a request names its room and its user, again and again", () => {
  const request = new JoinRequest({
    address: "127.1.0.2",
    port: 19_900,
    firstRoom: 0,
    rooms: 1,
    role: "viewer",
    from: 0,
    count: 1,
  });
  for (const [room, uid] of [
    [7, 19_599],
    [999_999, 1],
    [0, 0],
  ] as const) {
    request.fill(room, uid);
    const [line] = new TextDecoder().decode(request.bytes).split("\r\n");
    const path = `/v1/rooms/room-${String(room).padStart(6, "0")}/ws`;
    expect(line).toBe(`GET ${path}?uid=viewer-${String(uid).padStart(7, "0")}&role=viewer HTTP/1.1`);
  }
});
