import { describe, expect, test } from "bun:test";
import {
  AnswerMissing,
  freshRoom,
  RawSocket,
  RoomApi,
  readAnswer,
  requestHead,
  undisturbed,
  useNode,
  waitFor,
} from "@danmakud/testkit";

const node = useNode();
const BODY = '{"uid":"u","content":"cut off"}';

function head(room: string, length: number): string {
  const headers = { "Content-Type": "application/json", "Content-Length": String(length) };
  return requestHead(node().port, { method: "POST", path: `/v1/rooms/${room}/danmaku`, headers });
}

/** Writes `text` one byte at a time until the server has had enough, or all is written. */
async function dribble(socket: RawSocket, text: string, pauseMs: number): Promise<void> {
  for (const byte of text) {
    if (socket.ended || socket.bytesReceived > 0) return;
    socket.write(byte);
    await Bun.sleep(pauseMs);
  }
}

describe("a body cut off half-way publishes nothing", () => {
  test.each(["FIN", "RST"])("by %s", async (how) => {
    const room = freshRoom("cut");
    await undisturbed(node(), room, async () => {
      const socket = await RawSocket.open(node().port);
      socket.write(head(room, BODY.length) + BODY.slice(0, 15));
      await Bun.sleep(50);
      if (how === "FIN") socket.finish();
      else socket.destroy();
      if (how === "FIN") await socket.end();
    });
    const contents = (await new RoomApi(node().url, room).all()).map((record) => record.content);
    expect(contents.filter((content) => content === "cut off")).toEqual([]);
  });
});

describe("slow senders", () => {
  test("of a body are answered 408 or cut off, however many there are", async () => {
    const room = freshRoom("slow");
    await undisturbed(node(), room, async () => {
      const slow = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const socket = await RawSocket.open(node().port);
          socket.write(head(room, 100_000));
          dribble(socket, BODY.padEnd(1_000), 200);
          const answer = await readAnswer(socket, 90_000).catch((error) => {
            expect(error).toBeInstanceOf(AnswerMissing);
            return undefined;
          });
          socket.destroy();
          return answer?.status ?? 408;
        }),
      );
      expect(new Set(slow)).toEqual(new Set([408]));
    });
  });

  test("of a header are cut off in the end, and disturb nobody meanwhile", async () => {
    const room = freshRoom("header");
    await undisturbed(node(), room, async () => {
      const sockets = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const socket = await RawSocket.open(node().port);
          socket.write("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
          return socket;
        }),
      );
      await waitFor("silent connections to be cut off", () => sockets.every((socket) => socket.ended), {
        timeoutMs: 90_000,
        intervalMs: 100,
      });
    });
  });
});
