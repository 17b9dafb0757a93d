/** Which transport is used when, with sockets and streams that fail as they are told. */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { type ClientOptions, DanmakuClient, type StateChange } from "./index.ts";
import { BACKOFF_MAX_MS, HELLO_TIMEOUT_MS, STREAM_MS_MAX, WATCH_INTERVAL_MS } from "./limits.ts";
import type { WebSocketConstructor } from "./types.ts";

const HELLO = {
  type: "hello",
  room: "r",
  epoch: "e",
  head: 0,
  resumed: false,
  uid: "u",
  serverTime: 1_700_000_000_000,
};

/** What the network does at present. */
const network = { sockets: "refused" as "refused" | "hang" | "work", streams: true };
let tries: string[] = [];
const realFetch = globalThis.fetch;

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor() {
    tries.push("websocket");
    const { sockets } = network;
    queueMicrotask(() => {
      if (sockets === "refused") this.onclose?.({ code: 1006, reason: "" });
      if (sockets !== "work") return;
      this.onopen?.();
      this.onmessage?.({ data: JSON.stringify([HELLO]) });
    });
  }

  send(): void {}
  close(): void {}
}

/** A response whose body says hello and stays open. */
function helloStream(): unknown {
  const chunk = new TextEncoder().encode(`data: ${JSON.stringify(HELLO)}\n\n`);
  let given = false;
  const read = () => {
    if (given) return new Promise(() => {});
    given = true;
    return Promise.resolve({ done: false, value: chunk });
  };
  return { ok: true, body: { getReader: () => ({ read }) } };
}

beforeEach(() => {
  jest.useFakeTimers();
  Object.assign(network, { sockets: "refused", streams: true });
  tries = [];
  Object.assign(globalThis, {
    fetch: () => {
      tries.push("sse");
      return network.streams ? Promise.resolve(helloStream()) : Promise.reject(new Error("refused"));
    },
  });
});
afterEach(() => {
  jest.useRealTimers();
  globalThis.fetch = realFetch;
});

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

function enter(options: ClientOptions = {}) {
  const client = new DanmakuClient("wss://live.example", {
    WebSocket: FakeSocket as unknown as WebSocketConstructor,
    ...options,
  });
  const room = client.room("r");
  const states: StateChange[] = [];
  room.on("state", (change) => states.push(change));
  return { client, room, states };
}

async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await settle();
}

test("the second failure in a row is followed by a stream at once", async () => {
  const { client, states } = enter();
  await settle();
  expect(tries).toEqual(["websocket"]);
  await pass(BACKOFF_MAX_MS);
  expect(tries).toEqual(["websocket", "websocket", "sse"]);
  expect(states.at(-1)).toMatchObject({ state: "connected", transport: "sse" });
  client.close();
});

test("an upgrade that nobody answers counts as a failure too", async () => {
  network.sockets = "hang";
  const { client, states } = enter();
  for (let round = 0; round < 3; round++) await pass(HELLO_TIMEOUT_MS + 2 * WATCH_INTERVAL_MS);
  expect(states.at(-1)).toMatchObject({ state: "connected", transport: "sse" });
  client.close();
});

test("an outage of everything ends with a WebSocket", async () => {
  network.streams = false;
  const { client, states } = enter();
  for (let round = 0; round < 6; round++) await pass(BACKOFF_MAX_MS);
  expect(states.at(-1)?.state).toBe("disconnected");
  expect(tries).toContain("sse");
  Object.assign(network, { sockets: "work", streams: true });
  await pass(BACKOFF_MAX_MS);
  expect(states.at(-1)).toMatchObject({ state: "connected", transport: "websocket" });
  client.close();
});

test("a stream gives way to a WebSocket now and then, without a wait where that fails again", async () => {
  const { client, states } = enter();
  await settle();
  await pass(BACKOFF_MAX_MS);
  expect(states.at(-1)).toMatchObject({ transport: "sse" });
  // The watchdog is fed by nobody here; what is looked at is the moment alone.
  tries = [];
  const clock = Date.now();
  for (let passed = 0; passed < STREAM_MS_MAX && tries.length === 0; passed += 1000) {
    jest.setSystemTime(clock);
    await pass(1000);
  }
  expect(tries).toEqual(["websocket", "sse"]);
  expect(states.at(-1)).toMatchObject({ state: "connected", transport: "sse", reconnect: true });
  network.sockets = "work";
  tries = [];
  for (let passed = 0; passed < STREAM_MS_MAX && tries.length === 0; passed += 1000) {
    jest.setSystemTime(clock);
    await pass(1000);
  }
  expect(tries).toEqual(["websocket"]);
  expect(states.at(-1)).toMatchObject({ state: "connected", transport: "websocket" });
  client.close();
});

test("only what the options allow is tried", async () => {
  const socketsOnly = enter({ transport: "websocket" });
  for (let round = 0; round < 4; round++) await pass(BACKOFF_MAX_MS);
  expect(tries).not.toContain("sse");
  socketsOnly.client.close();
  tries = [];
  const streamsOnly = enter({ transport: "sse" });
  await settle();
  expect(tries).toEqual(["sse"]);
  streamsOnly.client.close();
});
