import { afterAll, describe, expect, test } from "bun:test";
import { RawClient } from "./raw-client.ts";
import { concat, decodeFrame, encodeFrame, OPCODES } from "./raw-frames.ts";
import { waitFor } from "./wait-for.ts";

const seen: (string | Uint8Array)[] = [];
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, self) =>
    self.upgrade(request, { data: undefined }) ? undefined : new Response("no upgrade", { status: 400 }),
  websocket: {
    message(socket, message) {
      seen.push(typeof message === "string" ? message : new Uint8Array(message));
      if (message === "close me") socket.close(4009, "slow");
      else if (message === "flood") for (let i = 0; i < 200; i++) socket.send(`["${"x".repeat(60_000)}"]`);
      else socket.send('[{"type":"pong","id":7}]');
    },
  },
});
const port = server.port as number;
afterAll(() => server.stop(true));

describe("frames", () => {
  test.each([0, 1, 125, 126, 65535, 65536])("a payload of %d bytes keeps its length", (length) => {
    const whole = encodeFrame({ opcode: OPCODES.binary, payload: new Uint8Array(length), masked: false });
    expect(decodeFrame(whole.subarray(0, whole.length - 1))).toBeUndefined();
    const decoded = decodeFrame(concat([whole, Uint8Array.of(1)]));
    expect(decoded?.frame.payload.length).toBe(length);
    expect(decoded?.used).toBe(whole.length);
  });

  test("masked frames arrive as they were meant", async () => {
    const client = await RawClient.open({ port, path: "/" });
    expect(client.handshake.status).toBe(101);
    client.sendText("嗨");
    expect(await client.record("pong")).toEqual({ type: "pong", id: 7 });
    expect(seen).toContain("嗨");
    client.destroy();
  });

  test("fragments are one message", async () => {
    const client = await RawClient.open({ port, path: "/" });
    client.send({ opcode: OPCODES.text, payload: "one ", fin: false });
    client.send({ opcode: OPCODES.continuation, payload: "message" });
    await client.record("pong");
    expect(seen).toContain("one message");
    client.destroy();
  });
});

describe("connections", () => {
  test("a close frame is told by code and reason", async () => {
    const client = await RawClient.open({ port, path: "/" });
    client.sendText("close me");
    expect(await client.closed()).toEqual({ code: 4009, reason: "slow" });
  });

  test("an unmasked frame is a fault of the client that the server ends", async () => {
    const client = await RawClient.open({ port, path: "/" });
    client.send({ opcode: OPCODES.text, payload: "x", masked: false });
    expect([1002, 1006]).toContain((await client.closed()).code);
  });

  test("a client that does not read gets no more than the kernel holds, and the rest later", async () => {
    const client = await RawClient.open({ port, path: "/" });
    client.socket.pause();
    client.sendText("flood");
    await waitFor("the flood to begin", () => seen.includes("flood"));
    await Bun.sleep(100);
    expect(client.socket.bytesReceived).toBeLessThan(1_000_000);
    client.socket.resume();
    await waitFor("the rest", () => client.socket.bytesReceived > 200 * 60_000);
    client.destroy();
  });
});
