import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { CLOSE_CODES, ID_MAX } from "@danmakud/wire";
import {
  connectBare,
  type FaceUnderTest,
  problemOfResponse,
  serveFace,
  until,
} from "./http-handler.fixture.ts";

/** Calls by the clock come this late at most, where the machine has time. */
const LATE_MS = 500;
const LIMITS = { eventsCommentMs: 20, eventsOpenMs: 100, eventsQueueBytes: 4096, eventsLingerS: 1 };

let face: FaceUnderTest = serveFace();
const faces = [face];
beforeEach(() => {
  face = serveFace({}, { limits: LIMITS });
  faces.push(face);
});
afterAll(() => Promise.all(faces.map((served) => served.stop())));

/** A client that reads an event stream. */
async function watch(query = "", headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await face.fetch(`/v1/rooms/r/events${query}`, { headers, signal: abort.signal });
  let text = "";
  let ended = false;
  const reading = (async () => {
    if (response.status !== 200 || response.body === null) return;
    const decoder = new TextDecoder();
    for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true });
    ended = true;
  })().catch(() => {});
  return {
    response,
    text: () => text,
    ids: () => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id).join(" "),
    ended: () => ended,
    go: async () => {
      abort.abort();
      await reading;
    },
  };
}

async function fill(count: number): Promise<void> {
  await face.post(Array.from({ length: count }, (_, i) => ({ content: `c${i + 1}` })));
}

describe("framing and position", () => {
  test("is an event stream that nobody may keep or gather", async () => {
    const client = await watch();
    expect(client.response.headers.get("content-type")).toBe("text/event-stream");
    expect(client.response.headers.get("cache-control")).toBe("no-store");
    expect(client.response.headers.get("x-accel-buffering")).toBe("no");
    await client.go();
  });

  test.each([
    ["", {}, "e1:5"],
    ["?last=2", {}, "e1:3 e1:4 e1:5"],
    ["?after=4&epoch=e1", {}, "e1:4 e1:5"],
    ["?after=4&epoch=old", {}, "e1:5"],
    ["?after=4", {}, "e1:5"],
    ["?after=99&epoch=e1", {}, "e1:5"],
    ["?last=1000", { "last-event-id": "e1:3" }, "e1:3 e1:4 e1:5"],
    ["", { "last-event-id": "" }, "e1:5"],
  ])("%p with %p starts with %p", async (query, headers, ids) => {
    await fill(5);
    const client = await watch(query, headers as Record<string, string>);
    await until(() => client.ids() === ids, `the ids are ${ids}`);
    expect(client.text()).toStartWith("id: e1:");
    expect(client.text()).toContain('data: {"type":"hello","room":"r"');
    await client.go();
  });

  test.each([
    ["?last=1001", ""],
    ["?last=x", ""],
    [`?after=${ID_MAX + 1}&epoch=e1`, ""],
    ["", "e1"],
    ["", "e1:"],
    ["", ":5"],
    ["", "e1:-1"],
    ["", "e1:1e3"],
    ["", "e 1:1"],
    ["", `e1:${ID_MAX + 1}`],
  ])("%p with Last-Event-ID %p is refused", async (query, id) => {
    const response = await face.fetch(`/v1/rooms/r/events${query}`, { headers: { "last-event-id": id } });
    expect(await problemOfResponse(response)).toBe("400 invalid_message");
    expect(face.hub.viewers.size).toBe(0);
  });

  test("what the hub sends comes, and comments break the silence", async () => {
    const client = await watch("?uid=u9");
    const viewer = [...face.hub.viewers.values()][0];
    expect(viewer).toMatchObject({ room: "r", encoding: "sse", who: { uid: "u9", role: "viewer" } });
    expect(viewer?.sink.send('data: {"type":"stats","online":1}\n\n')).toBe(35);
    await until(() => client.text().includes('"online":1'), "the record is there");
    await until(() => client.text().split("\n:\n\n").length > 3, "there are comments");
    await client.go();
  });
});

describe("a client that goes away", () => {
  test("leaves the hub exactly once", async () => {
    const client = await watch();
    const [viewer] = face.hub.viewers.keys();
    await client.go();
    await until(() => face.hub.left.length > 0, "the viewer has left");
    await Bun.sleep(LIMITS.eventsCommentMs + LATE_MS);
    expect(face.hub.left).toEqual([viewer!]);
  });

  test("before there was a hello, too", async () => {
    face.hub.silentJoin = true;
    const connection = await connectBare(face.port);
    connection.write("GET /v1/rooms/r/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => face.hub.viewers.size === 1, "the viewer has joined");
    connection.destroy();
    await until(() => face.hub.left.length === 1, "the viewer has left");
    await Bun.sleep(LIMITS.eventsOpenMs + LATE_MS);
    expect(face.hub.left).toHaveLength(1);
    expect(face.logged).toEqual([]);
  });

  test("hundred at once leave nothing behind", async () => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => watch()));
    expect(face.hub.viewers.size).toBe(100);
    await Promise.all(clients.map((client) => client.go()));
    await until(() => face.hub.viewers.size === 0, "all have left");
    expect(face.hub.left).toHaveLength(100);
  });
});

describe("a client that does not read", () => {
  test("costs a bounded buffer; the hub hears when it is empty again", async () => {
    const connection = await connectBare(face.port);
    connection.write("GET /v1/rooms/r/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => connection.received().includes("hello"), "the stream is open");
    connection.pause();
    const [entry] = face.hub.viewers;
    const [viewer, { sink }] = entry!;
    const frame = `data: ${"x".repeat(1000)}\n\n`;
    let taken = 0;
    let result = 1;
    // The runtime takes from the queue between turns, until the kernel's buffers are full.
    for (let quiet = 0; quiet < 20; ) {
      result = sink.send(frame);
      if (result !== 0) {
        taken++;
        quiet = 0;
      } else {
        quiet++;
        await Bun.sleep(2);
      }
    }
    expect(result).toBe(0);
    expect(taken * frame.length).toBeLessThan(64 << 20);
    const drainedBefore = face.hub.drainedCalls.length;
    connection.resume();
    await until(() => face.hub.drainedCalls.length > drainedBefore, "the queue is empty");
    expect(face.hub.drainedCalls.at(-1)).toBe(viewer);
    expect(sink.send(frame)).toBe(frame.length);
    await until(
      () => connection.received().split("xxxxx\n\n").length - 1 === taken + 1,
      "every frame taken has come",
    );
    connection.destroy();
  });

  test("is cut off when the hub closes it", async () => {
    const connection = await connectBare(face.port);
    connection.write("GET /v1/rooms/r/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => connection.received().includes("hello"), "the stream is open");
    connection.pause();
    const { sink } = [...face.hub.viewers.values()][0]!;
    for (let quiet = 0; quiet < 20; quiet++) {
      if (sink.send(`data: ${"x".repeat(100_000)}\n\n`) !== 0) quiet = 0;
      else await Bun.sleep(2);
    }
    sink.close(CLOSE_CODES.slow_consumer, "too slow");
    expect(face.hub.left).toHaveLength(1);
    expect(face.pending()).toBe(1);
    await until(() => face.pending() === 0, "the server has cut the connection");
    connection.destroy();
    expect(face.hub.left).toHaveLength(1);
  });
});

describe("the hub closes", () => {
  test("an open stream ends with a reason, and with a time to come back where there is one", async () => {
    const client = await watch();
    const { sink } = [...face.hub.viewers.values()][0]!;
    sink.close(CLOSE_CODES.draining, '{"retryAfterMs":1500}');
    sink.close(CLOSE_CODES.draining, "again");
    await until(() => client.ended(), "the stream has ended");
    expect(client.text()).toEndWith(
      'retry: 1500\nevent: close\ndata: {"code":4000,"reason":"{\\"retryAfterMs\\":1500}"}\n\n',
    );
    expect(sink.send("data: late\n\n")).toBe(0);
    expect(face.hub.left).toHaveLength(1);
  });

  test.each([
    [1013, "too many rooms", "503 overloaded"],
    [CLOSE_CODES.draining, '{"retryAfterMs":4200}', "503 unavailable"],
    [CLOSE_CODES.rate_limited, "", "429 rate_limited"],
    [CLOSE_CODES.unauthorized, "", "401 unauthorized"],
    [CLOSE_CODES.banned, "", "403 banned"],
    [CLOSE_CODES.room_closed, "", "409 room_closed"],
    [CLOSE_CODES.protocol_error, "", "400 invalid_message"],
    [1011, "", "503 unavailable"],
  ])("a join refused with %d %p is a problem", async (code, reason, expected) => {
    face.hub.joinRefusal = { code, reason };
    const response = await face.fetch("/v1/rooms/r/events");
    if (reason.startsWith("{")) expect(response.headers.get("retry-after")).toBe("5");
    expect(await problemOfResponse(response)).toBe(expected);
    expect(face.hub.left).toHaveLength(1);
  });

  test("a room that does not open in time is overloaded", async () => {
    face.hub.silentJoin = true;
    expect(await problemOfResponse(await face.fetch("/v1/rooms/r/events"))).toBe("503 overloaded");
    expect(face.hub.left).toHaveLength(1);
  });
});
