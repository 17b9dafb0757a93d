import { expect, test } from "bun:test";
import { freshRoom, RawClient, RoomApi, rawHttp, useNode, waitFor } from "@danmakud/testkit";

/** 20 per second: 40 may wait. */
const node = useNode({ flags: ["--handshakes-per-second", "20", "--threads", "1"] });
const COMERS = 100;

interface Problem {
  readonly code: string;
  readonly retryAfterMs: number;
}

function refusals(metrics: string): number {
  const lines = metrics.matchAll(/^danmakud_handshakes_refused_total\{.*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

test("a storm of joins: some come in, the others are told when to come back, and who is there gets all", async () => {
  const room = freshRoom("storm");
  const there = await RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws` });
  await there.record("hello");
  const api = new RoomApi(node().url, room);
  const comers = await Promise.all(
    Array.from({ length: COMERS }, () =>
      RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws?last=5` }),
    ),
  );
  const statuses = comers.map(({ handshake }) => handshake.status);
  const letIn = comers.filter(({ handshake }) => handshake.status === 101);
  const sentAway = comers.filter(({ handshake }) => handshake.status === 503);
  expect(letIn.length + sentAway.length).toBe(statuses.length);
  // Nearly as many as the queue holds come in, the last ones just before their time is over.
  expect(letIn.length).toBeGreaterThanOrEqual(20);
  expect(sentAway.length).toBeGreaterThan(0);
  for (const { handshake } of sentAway) {
    expect(handshake.headers["content-type"]).toBe("application/problem+json");
    const problem = JSON.parse(handshake.body) as Problem;
    expect(problem.code).toBe("overloaded");
    expect(Number(handshake.headers["retry-after"])).toBe(Math.ceil(problem.retryAfterMs / 1000));
  }
  const times = sentAway.map(({ handshake }) => (JSON.parse(handshake.body) as Problem).retryAfterMs);
  expect(new Set(times).size).toBeGreaterThan(times.length / 2);
  expect(refusals(await node().admin.metrics())).toBe(sentAway.length);

  await api.mustPublish({ uid: "host", content: "for all" });
  for (const client of [there, ...letIn])
    await client.record("danmaku", ({ content }) => content === "for all");
  for (const client of [there, ...comers]) client.destroy();
}, 60_000);

test("event streams come in by the same gate, other requests do not wait", async () => {
  const room = freshRoom("storm");
  const streams = await Promise.all(
    Array.from({ length: COMERS }, async () => {
      const abort = new AbortController();
      const response = await fetch(`${node().url}/v1/rooms/${room}/events`, { signal: abort.signal });
      const body = response.status === 200 ? undefined : ((await response.json()) as Problem);
      abort.abort();
      return { status: response.status, code: body?.code };
    }),
  );
  expect(streams.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(20);
  const others = streams.filter(({ status }) => status !== 200);
  expect(others.length).toBeGreaterThan(0);
  for (const other of others) expect(other).toEqual({ status: 503, code: "overloaded" });
  expect((await rawHttp(node().port, { path: "/healthz" })).status).toBe(200);
  await waitFor("nobody to be left", async () => {
    const metrics = await node().admin.metrics();
    return /^danmakud_viewers\{thread="gateway-0"\} 0$/m.test(metrics);
  });
}, 60_000);
