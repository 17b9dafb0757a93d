/** What a real server cannot be made to do on time: to fall silent without closing. The socket is scripted here. */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { ClientRecord, ServerRecord } from "@danmakud/wire";
import fc from "fast-check";
import { Connection } from "./connection.ts";
import {
  HELLO_TIMEOUT_MS,
  PING_AFTER_MS,
  PONG_TIMEOUT_MS,
  WAKE_TIMEOUT_MS,
  WATCH_INTERVAL_MS,
} from "./limits.ts";
import type { WebSocketConstructor } from "./types.ts";
import { openWebSocket } from "./websocket-link.ts";

class ScriptedSocket {
  static last: ScriptedSocket | undefined;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  closed = false;
  readonly sent: ClientRecord[] = [];

  constructor() {
    ScriptedSocket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  say(...records: ServerRecord[]): void {
    this.onmessage?.({ data: JSON.stringify(records) });
  }
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function connect() {
  const closes: [number, string][] = [];
  const records: string[] = [];
  const connection = new Connection(
    (handlers) =>
      openWebSocket(ScriptedSocket as unknown as WebSocketConstructor, "ws://x", undefined, false, handlers),
    {
      onRecords: (frame) => records.push(...frame.map(({ type }) => type)),
      onClosed: (code, reason) => closes.push([code, reason]),
    },
    PING_AFTER_MS,
  );
  const socket = ScriptedSocket.last!;
  return { connection, socket, closes, records };
}

const STATS: ServerRecord = { type: "stats", online: 1 };

test("no hello in time: lost", () => {
  const { socket, closes } = connect();
  socket.onopen?.();
  jest.advanceTimersByTime(HELLO_TIMEOUT_MS - WATCH_INTERVAL_MS);
  expect(closes).toEqual([]);
  jest.advanceTimersByTime(2 * WATCH_INTERVAL_MS);
  expect(closes).toEqual([[1006, "no hello"]]);
  expect(socket.closed).toBe(true);
});

test("silence is asked about, and an answer is enough", () => {
  const { socket, closes } = connect();
  socket.onopen?.();
  socket.say(STATS);
  for (let round = 1; round <= 3; round++) {
    jest.advanceTimersByTime(PING_AFTER_MS + WATCH_INTERVAL_MS);
    expect(socket.sent).toHaveLength(round);
    socket.say({ type: "pong", id: 0 });
  }
  expect(socket.sent[0]).toEqual({ type: "ping", id: 0 });
  expect(closes).toEqual([]);
});

test("silence after the question: lost, and a late close event changes nothing", () => {
  const { socket, closes } = connect();
  socket.onopen?.();
  socket.say(STATS);
  jest.advanceTimersByTime(PING_AFTER_MS + PONG_TIMEOUT_MS + 3 * WATCH_INTERVAL_MS);
  expect(closes).toEqual([[1006, "no pong"]]);
  socket.onclose?.({ code: 1000, reason: "" });
  expect(closes).toHaveLength(1);
});

test("a clock that has jumped ahead, as after a sleep, asks before it gives up", () => {
  const { socket, closes } = connect();
  socket.onopen?.();
  socket.say(STATS);
  jest.setSystemTime(Date.now() + 3_600_000);
  jest.advanceTimersByTime(WATCH_INTERVAL_MS);
  expect(socket.sent).toHaveLength(1);
  expect(closes).toEqual([]);
});

test("a check asks at once and waits less long", () => {
  const { connection, socket, closes } = connect();
  socket.onopen?.();
  connection.check();
  expect(socket.sent).toEqual([]); // not yet greeted: there is a limit for that already
  socket.say(STATS);
  connection.check();
  expect(socket.sent).toEqual([{ type: "ping", id: 0 }]);
  jest.advanceTimersByTime(WAKE_TIMEOUT_MS - WATCH_INTERVAL_MS);
  socket.say({ type: "pong", id: 0 });
  jest.advanceTimersByTime(PING_AFTER_MS);
  expect(closes).toEqual([]);
  socket.say(STATS);
  connection.check();
  jest.advanceTimersByTime(WAKE_TIMEOUT_MS + WATCH_INTERVAL_MS);
  expect(closes).toEqual([[1006, "no pong"]]);
});

test("a code before the upgrade is the runtime's invention", () => {
  const { socket, closes } = connect();
  socket.onclose?.({ code: 1002, reason: "Expected 101 status code" });
  expect(closes).toEqual([[1006, "Expected 101 status code"]]);
});

test.each(["{", "{}", "null", '"text"', "[null]", "[{}]", '[{"type":1}]'])(
  "the frame %s ends the connection",
  (data) => {
    const { socket, closes, records } = connect();
    socket.onopen?.();
    socket.onmessage?.({ data });
    expect(closes).toHaveLength(1);
    expect(closes[0]?.[0]).toBe(1006);
    expect(records).toEqual([]);
  },
);

test("any frame is read or ends the connection", () => {
  const frame = fc.oneof(
    fc.string(),
    fc.json(),
    fc.uint8Array().map(({ buffer }) => buffer),
  );
  fc.assert(
    fc.property(frame, (data) => {
      const { connection, socket, closes, records } = connect();
      socket.onopen?.();
      socket.onmessage?.({ data });
      if (closes.length === 0) connection.close();
      else expect(records).toEqual([]);
    }),
  );
});

test("closed on purpose: nothing is heard any more", () => {
  const { connection, socket, closes } = connect();
  socket.onopen?.();
  connection.close();
  expect(socket.onclose).toBeNull();
  jest.advanceTimersByTime(HELLO_TIMEOUT_MS * 2);
  expect(closes).toEqual([]);
});
