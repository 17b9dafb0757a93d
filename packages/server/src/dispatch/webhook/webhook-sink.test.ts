import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import { PAUSE_MAX_MS } from "../limits.ts";
import { failureKind, type SinkEntry, type SinkUnavailableError } from "../sink.ts";
import { judge, retryAfterMs } from "./answer-rules.ts";
import { SIGNATURE_HEADER, signBody, TIMESTAMP_HEADER } from "./signature.ts";
import { WebhookSink } from "./webhook-sink.ts";

const secret = new TextEncoder().encode("a secret of some length");
const entries: SinkEntry[] = [{ room: "r", epoch: "e", offset: 1, type: "delete", ts: 5, ofUid: "u" }];
const idle = new AbortController().signal;

describe("an endpoint", () => {
  let server: Server<undefined>;
  let answer: () => Response | Promise<Response>;
  let calls: { headers: Headers; body: string; method: string }[] = [];
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        calls.push({ headers: request.headers, body: await request.text(), method: request.method });
        return await answer();
      },
    });
  });
  afterAll(() => server.stop(true));
  beforeEach(() => {
    calls = [];
    answer = () => new Response("fine");
  });
  const sink = (timeoutMs = 5_000) =>
    new WebhookSink({
      url: server.url.href,
      worker: "w1",
      secret,
      timeoutMs,
      batchEntriesMax: 10,
      now: () => 1_700_000_000_500,
    });
  const failure = async (timeoutMs?: number) =>
    await sink(timeoutMs)
      .write(entries, idle)
      .then(
        () => undefined,
        (error: unknown) => error,
      );

  test("gets the entries as JSON, signed over time and body", async () => {
    await sink().write(entries, idle);
    const [call] = calls;
    expect(call?.method).toBe("POST");
    expect(JSON.parse(call?.body ?? "")).toEqual({ worker: "w1", entries });
    expect(call?.headers.get(TIMESTAMP_HEADER)).toBe("1700000000");
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
      "verify",
    ]);
    const given = call?.headers.get(SIGNATURE_HEADER) ?? "";
    expect(given.startsWith("v1=")).toBe(true);
    const signed = new TextEncoder().encode(`1700000000.${call?.body}`);
    const bytes = Uint8Array.fromHex(given.slice(3));
    expect(await crypto.subtle.verify("HMAC", key, bytes, signed)).toBe(true);
    expect(signBody(secret, 1_700_000_001, call?.body ?? "")).not.toBe(given);
  });

  test("that asks for time is away until then", async () => {
    answer = () => new Response("busy", { status: 429, headers: { "retry-after": "7" } });
    const error = await failure();
    expect(failureKind(error)).toBe("unavailable");
    expect((error as SinkUnavailableError).retryAfterMs).toBe(7_000);
  });

  test("that refuses the entries, that fails, that sends elsewhere", async () => {
    answer = () => new Response("bad\nentry", { status: 422 });
    const refused = await failure();
    expect(failureKind(refused)).toBe("rejected");
    expect((refused as Error).message).toBe("the webhook answered 422: bad entry");
    answer = () => new Response("x".repeat(100_000), { status: 500 });
    const failed = await failure();
    expect(failureKind(failed)).toBe("failed");
    expect((failed as Error).message.length).toBeLessThan(300);
    answer = () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } });
    expect(failureKind(await failure())).toBe("unavailable");
    expect(calls).toHaveLength(3);
  });

  test("that never answers is away after the time-out", async () => {
    answer = () => new Promise(() => {});
    expect(failureKind(await failure(100))).toBe("unavailable");
  });
});

test("nobody there is away", async () => {
  const url = "http://127.0.0.1:9/";
  const sink = new WebhookSink({ url, worker: "w", timeoutMs: 1_000, batchEntriesMax: 1, now: Date.now });
  const error: unknown = await sink.write(entries, idle).catch((thrown: unknown) => thrown);
  expect(failureKind(error)).toBe("unavailable");
});

test("every status has its meaning", () => {
  expect([200, 204, 299].map(judge)).toEqual(["taken", "taken", "taken"]);
  expect(
    [301, 401, 403, 404, 408, 410, 425, 429, 502, 503, 504].every((status) => judge(status) === "away"),
  ).toBe(true);
  expect([400, 402, 406, 409, 413, 415, 422, 451].every((status) => judge(status) === "rejected")).toBe(true);
  expect([100, 500, 501, 505, 599].every((status) => judge(status) === "failed")).toBe(true);
});

test("Retry-After in seconds, as a date, as nonsense", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(retryAfterMs("120", now)).toBe(120_000);
  expect(retryAfterMs("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30_000);
  expect(retryAfterMs("Thu, 01 Jan 2015 00:00:30 GMT", now)).toBe(0);
  expect(retryAfterMs("9999999999", now)).toBe(PAUSE_MAX_MS);
  expect(retryAfterMs("soon", now)).toBeUndefined();
  expect(retryAfterMs(null, now)).toBeUndefined();
});
