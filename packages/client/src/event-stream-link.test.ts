/** What comes over an event stream in pieces, damaged or not at all. The server is scripted here. */
import { afterEach, expect, test } from "bun:test";
import type { ClientRecord, ServerRecord } from "@danmakud/wire";
import fc from "fast-check";
import { until } from "../test/until.ts";
import { openEventStream } from "./event-stream-link.ts";
import { EVENT_CHARS_MAX } from "./limits.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Script {
  /** Pieces of the stream, sent one by one; the stream stays open after the last. */
  readonly pieces?: readonly (string | Uint8Array)[];
  readonly ends?: boolean;
  readonly answer?: () => Response;
  readonly post?: (body: readonly Record<string, unknown>[]) => Response | Promise<Response>;
}

function open({ pieces = [], ends = false, answer, post }: Script, token?: string) {
  const requests: Request[] = [];
  const bodies: (readonly Record<string, unknown>[])[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      requests.push(request);
      if (request.method === "POST") {
        const body = (await request.json()) as Record<string, unknown>[];
        bodies.push(body);
        return (await post?.(body)) ?? new Response(null, { status: 500 });
      }
      return answer?.() ?? new Response(streamOf(pieces, ends));
    },
  });
  const records: ServerRecord[][] = [];
  const closes: [number, string][] = [];
  let heard = 0;
  const link = openEventStream(
    `http://127.0.0.1:${server.port}/v1/rooms/r`,
    new URLSearchParams({ uid: "u", after: "5" }),
    new URLSearchParams({ uid: "u" }),
    token,
    {
      onHeard: () => heard++,
      onRecords: (batch) => records.push([...batch]),
      onClosed: (code, reason) => closes.push([code, reason]),
    },
  );
  closing.push(
    () => server.stop(true),
    () => link.close(),
  );
  return { link, records, closes, requests, bodies, heard: () => heard };
}

function streamOf(pieces: readonly (string | Uint8Array)[], ends: boolean): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
        await Bun.sleep(1);
      }
      if (ends) controller.close();
    },
  });
}

const publish = (id: number, content = `c${id}`): ClientRecord => ({
  type: "publish",
  id,
  content,
  key: `k${id}`,
});
const stats = (online: number): string => `data: ${JSON.stringify({ type: "stats", online })}\n\n`;

test("events come whole, however the bytes are cut", async () => {
  const text = `:\n\nid: e:1\n${stats(1)}data:{"type":"error","code":"not_found",\r\ndata:"message":"弹幕"}\r\n\r\n${stats(2)}`;
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 7, 50, 1000]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.slice(i * size, (i + 1) * size),
    );
    const { records, closes } = open({ pieces });
    await until(() => records.flat().length === 3);
    expect(records.flat()).toEqual([
      { type: "stats", online: 1 },
      { type: "error", code: "not_found", message: "弹幕" },
      { type: "stats", online: 2 },
    ]);
    expect(closes).toEqual([]);
  }
});

test("a comment is a sign of life and no record", async () => {
  const { records, heard } = open({ pieces: [":\n\n"] });
  await until(() => heard() > 0);
  expect(records).toEqual([]);
});

test("who and where to start go in the query, the token in a header", async () => {
  const { requests, link } = open(
    { pieces: [], post: () => Response.json({ results: [{ offset: 1 }] }) },
    "t",
  );
  link.send(publish(1));
  await until(() => requests.length === 2);
  const seen = requests.map(({ method, url, headers }) => {
    const { pathname, search } = new URL(url);
    return `${method} ${pathname}${search} ${headers.get("authorization")}`;
  });
  expect(seen.sort()).toEqual([
    "GET /v1/rooms/r/events?uid=u&after=5 Bearer t",
    "POST /v1/rooms/r/danmaku?uid=u Bearer t",
  ]);
});

test("the server's farewell is the close code", async () => {
  const farewell = `retry: 5\nevent: close\ndata: ${JSON.stringify({ code: 4000, reason: '{"retryAfterMs":5}' })}\n\n`;
  const { records, closes } = open({ pieces: [stats(1) + farewell], ends: true });
  await until(() => closes.length === 1);
  expect(records).toHaveLength(1);
  expect(closes).toEqual([[4000, '{"retryAfterMs":5}']]);
});

test.each([
  ["ends", { pieces: [stats(1)], ends: true }],
  ["is no JSON", { pieces: ["data: {\n\n"] }],
  ["is no record", { pieces: ["data: 5\n\n"] }],
  ["has an event without an end", { pieces: [`data: ${"x".repeat(EVENT_CHARS_MAX)}`] }],
] satisfies [string, Script][])("a stream that %s is a lost connection", async (_what, script) => {
  const { closes } = open(script);
  await until(() => closes.length === 1);
  expect(closes[0]?.[0]).toBe(1006);
});

test.each([
  [401, { code: "unauthorized", detail: "expired" }, 4500, "expired"],
  [403, { code: "banned", detail: "you are" }, 4501, "you are"],
  [409, { code: "room_closed", detail: "closed" }, 4503, "closed"],
  [400, { code: "invalid_message", detail: "bad" }, 4502, "bad"],
  [503, { code: "overloaded", detail: "busy", retryAfterMs: 70 }, 1006, '{"retryAfterMs":70}'],
  [404, { code: "not_found", detail: "none" }, 1006, "none"],
] as const)("refused with %d %j: %d", async (status, problem, code, reason) => {
  const { closes } = open({ answer: () => Response.json(problem, { status }) });
  await until(() => closes.length === 1);
  expect(closes).toEqual([[code, reason]]);
});

test("a proxy's page, with or without a time to come back", async () => {
  const page = (headers: Record<string, string>) => () =>
    new Response("<h1>Sorry</h1>", { status: 502, headers });
  const plain = open({ answer: page({}) });
  const timed = open({ answer: page({ "retry-after": "2" }) });
  await until(() => plain.closes.length + timed.closes.length === 2);
  expect(plain.closes).toEqual([[1006, "HTTP status 502"]]);
  expect(timed.closes).toEqual([[1006, '{"retryAfterMs":2000}']]);
});

test("one POST at a time, in order, with what was sent meanwhile in the next", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let next = 1;
  const { link, records, bodies } = open({
    post: async (body) => {
      if (bodies.length === 1) await held;
      return Response.json({
        results: body.map(({ content }) =>
          content === "bad"
            ? { error: { code: "rate_limited", message: "slower", retryAfterMs: 9 } }
            : { offset: next++ },
        ),
      });
    },
  });
  for (const record of [publish(1), publish(2, "bad"), publish(3), { type: "ping", id: 0 } as const])
    link.send(record);
  await until(() => bodies.length === 1);
  expect(records).toEqual([]);
  release();
  await until(() => records.flat().length === 3);
  expect(bodies.map((body) => body.length)).toEqual([1, 2]);
  expect(bodies[0]).toEqual([{ content: "c1", key: "k1" }]);
  expect(records.flat()).toEqual([
    { type: "ack", id: 1, offset: 1 },
    expect.objectContaining({
      type: "error",
      id: 2,
      code: "rate_limited",
      message: "slower",
      retryAfterMs: 9,
    }),
    { type: "ack", id: 3, offset: 2 },
  ]);
});

test("a refusal of the whole POST is one of each danmaku in it", async () => {
  const { link, records, closes } = open({
    post: () => Response.json({ code: "overloaded", detail: "busy", retryAfterMs: 50 }, { status: 503 }),
  });
  link.send(publish(1));
  await until(() => records.length === 1);
  expect(records[0]).toEqual([
    expect.objectContaining({ type: "error", id: 1, code: "overloaded", message: "busy", retryAfterMs: 50 }),
  ]);
  expect(closes).toEqual([]);
});

test("a token that runs out between two POSTs ends the connection, and refuses nothing", async () => {
  const { link, records, closes } = open({
    post: () => Response.json({ code: "unauthorized", detail: "expired" }, { status: 401 }),
  });
  link.send(publish(1));
  await until(() => closes.length === 1);
  expect(closes).toEqual([[4500, "expired"]]);
  await Bun.sleep(5);
  expect(records).toEqual([]);
});

test("after close nothing is told any more", async () => {
  const { link, records, closes } = open({
    pieces: [stats(1)],
    post: () => Response.json({ results: [{ offset: 1 }] }),
  });
  await until(() => records.length === 1);
  link.send(publish(1));
  link.close();
  await Bun.sleep(20);
  expect(records).toHaveLength(1);
  expect(closes).toEqual([]);
});

test("any text: is read, or is a lost connection", async () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("data:", "\n\n", "event: close\n", "{}", '{"type":"x"}', "\r\n"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const { closes } = open({ pieces: [pieces.join("")], ends: true });
      await until(() => closes.length === 1);
      while (closing.length > 0) await closing.pop()?.();
    }),
    { numRuns: 40 },
  );
});
