import { describe, expect, test } from "bun:test";
import {
  freshRoom,
  RawSocket,
  readAnswer,
  requestHead,
  undisturbed,
  useNode,
  waitFor,
} from "@danmakud/testkit";

const node = useNode();
const LIMIT_MS = 60_000;

/** Writes a head that never ends, a byte now and then, until the server has had enough. */
async function drip(socket: RawSocket, text: string): Promise<void> {
  let at = 0;
  await waitFor(
    "the server to close a connection whose request never ends",
    () => {
      if (!socket.ended) socket.write(at < text.length ? (text[at++] as string) : "a");
      return socket.ended;
    },
    { timeoutMs: LIMIT_MS, intervalMs: 250 },
  );
}

function upgradeHead(room: string): string {
  const headers = { Upgrade: "websocket", Connection: "Upgrade", "X-Endless": "" };
  return requestHead(node().port, { path: `/v1/rooms/${room}/ws`, headers }).trimEnd();
}

describe("a handshake that is never complete ends by the server's own deadline", () => {
  test("byte by byte, however many there are", async () => {
    const room = freshRoom("drip");
    await undisturbed(node(), room, async () => {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => RawSocket.open(node().port)));
      await Promise.all(sockets.map((socket) => drip(socket, upgradeHead(room))));
      expect(sockets.map((socket) => socket.bytesReceived)).toEqual(sockets.map(() => 0));
    });
  }, 90_000);

  test("without a single byte", async () => {
    const socket = await RawSocket.open(node().port);
    await waitFor("the server to close a silent connection", () => socket.ended, { timeoutMs: LIMIT_MS });
    expect(socket.ended).toBe(true);
  }, 90_000);

  test("after a whole request on the same connection", async () => {
    const socket = await RawSocket.open(node().port);
    socket.write(requestHead(node().port, { path: "/healthz", headers: { Connection: "keep-alive" } }));
    expect((await readAnswer(socket)).status).toBe(200);
    await drip(socket, upgradeHead(freshRoom("drip")));
    expect(socket.ended).toBe(true);
  }, 90_000);
});
