import { describe, expect, test } from "bun:test";
import {
  freshRoom,
  OPCODES,
  RawClient,
  type RawFrame,
  RawSocket,
  undisturbed,
  useNode,
} from "@danmakud/testkit";

const node = useNode();
const PUBLISH = '{"type":"publish","id":1,"content":"in pieces"}';

async function open(room = freshRoom("raw")): Promise<RawClient> {
  const client = await RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws?uid=raw` });
  await client.record("hello");
  return client;
}

describe("fragments", () => {
  test("of one message are put together, control frames between them too", async () => {
    const client = await open();
    client.send({ opcode: OPCODES.text, payload: PUBLISH.slice(0, 10), fin: false });
    client.send({ opcode: OPCODES.ping, payload: "are you there" });
    client.send({ opcode: OPCODES.continuation, payload: PUBLISH.slice(10, 20), fin: false });
    client.send({ opcode: OPCODES.continuation, payload: PUBLISH.slice(20) });
    expect(await client.record("danmaku")).toMatchObject({ content: "in pieces", uid: "raw" });
    expect(client.frames.some((frame) => frame.opcode === OPCODES.pong)).toBe(true);
    client.destroy();
  });

  test("may cut a character in two", async () => {
    const client = await open();
    const bytes = new TextEncoder().encode('{"type":"publish","id":1,"content":"弹幕"}');
    client.send({ opcode: OPCODES.text, payload: bytes.subarray(0, 37), fin: false });
    client.send({ opcode: OPCODES.continuation, payload: bytes.subarray(37) });
    expect(await client.record("danmaku")).toMatchObject({ content: "弹幕" });
    client.destroy();
  });

  test("byte by byte on the wire are no trouble", async () => {
    const client = await open();
    for (const byte of PUBLISH)
      client.send({
        opcode: byte === "{" ? OPCODES.text : OPCODES.continuation,
        payload: byte,
        fin: byte === "}",
      });
    expect(await client.record("ack")).toMatchObject({ id: 1 });
    client.destroy();
  });
});

describe("broken frames end the connection, and nobody else's", () => {
  const broken: [string, readonly RawFrame[]][] = [
    ["an unmasked frame", [{ opcode: OPCODES.text, payload: PUBLISH, masked: false }]],
    ["reserved bits", [{ opcode: OPCODES.text, payload: PUBLISH, reserved: 3 }]],
    ["an unknown opcode", [{ opcode: 3, payload: "x" }]],
    ["an unknown control opcode", [{ opcode: 11, payload: "x" }]],
    ["a continuation of nothing", [{ opcode: OPCODES.continuation, payload: "x" }]],
    [
      "a new message inside a fragmented one",
      [
        { opcode: OPCODES.text, payload: "{", fin: false },
        { opcode: OPCODES.text, payload: PUBLISH },
      ],
    ],
    ["a fragmented ping", [{ opcode: OPCODES.ping, payload: "x", fin: false }]],
    ["a ping of 126 bytes", [{ opcode: OPCODES.ping, payload: "x".repeat(126) }]],
    ["text that is no UTF-8", [{ opcode: OPCODES.text, payload: Uint8Array.of(0x22, 0xc0, 0x80, 0x22) }]],
    [
      "a claimed length of 2^53",
      [{ opcode: OPCODES.text, payload: "x".repeat(200), claimedLength: 2 ** 53 }],
    ],
    ["a close code of one byte", [{ opcode: OPCODES.close, payload: "x" }]],
  ];
  test.each(broken)("%s", async (_name, frames) => {
    const room = freshRoom("broken");
    await undisturbed(node(), room, async () => {
      const client = await open(room);
      for (const frame of frames) client.send(frame);
      const { code } = await client.closed();
      expect([1000, 1002, 1005, 1006, 1007, 1009]).toContain(code);
      expect(client.records.some((record) => record.type === "ack")).toBe(false);
      client.destroy();
    });
  });

  test("a connection lost in the middle of a frame", async () => {
    const room = freshRoom("broken");
    await undisturbed(node(), room, async () => {
      const client = await open(room);
      client.send({ opcode: OPCODES.text, payload: "half", claimedLength: 1000 });
      client.destroy();
    });
  });

  test("noise in place of a handshake", async () => {
    const room = freshRoom("noise");
    await undisturbed(node(), room, async () => {
      const socket = await RawSocket.open(node().port);
      socket.write(crypto.getRandomValues(new Uint8Array(4096)));
      socket.write("\r\n\r\n");
      await socket.end();
    });
  });

  test("an upgrade that lacks its key or its version", async () => {
    const path = `/v1/rooms/${freshRoom()}/ws`;
    const noKey = await RawClient.open({ port: node().port, path, headers: { "Sec-WebSocket-Key": "" } });
    expect(noKey.handshake.status).toBeGreaterThanOrEqual(400);
    noKey.destroy();
  });
});
