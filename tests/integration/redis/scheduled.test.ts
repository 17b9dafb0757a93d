/** Scheduled danmaku on a log that nodes share: whoever took them, whoever is left delivers them. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  call,
  freshRoom,
  PATIENCE,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  RoomApi,
  startNode,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(2 * PATIENCE.bulkMs);
if (!REDIS_AVAILABLE) console.log("left out: scheduled danmaku on Redis; there is no redis-server");

/** Not bound by the limits of users. */
const SERVICE = "uid=site&role=service";
const RACES = 60;
/** Time for all that is to happen before danmaku are due, on a busy machine too. */
const LEAD_MS = 5000;

interface Scheduled {
  readonly scheduled: number;
  readonly content: string;
}

function at(node: TestNode, room: string): RoomApi {
  return new RoomApi(node.url, room);
}

async function schedule(node: TestNode, room: string, times: readonly number[]): Promise<Scheduled[]> {
  const drafts = times.map((deliverAt, i) => ({ content: `s${i}`, deliverAt, key: `k${i}` }));
  const { status, body } = await at(node, room).publish(drafts, {}, SERVICE);
  expect(status).toBe(200);
  const { results } = body as { results: Scheduled[] };
  expect(results.map(({ scheduled }) => typeof scheduled)).toEqual(times.map(() => "number"));
  return results;
}

async function waiting(node: TestNode, room: string): Promise<string[]> {
  const { status, body } = await call(`${at(node, room).url}/scheduled?${SERVICE}`);
  expect(status).toBe(200);
  return (body as { scheduled: Scheduled[] }).scheduled.map(({ content }) => content);
}

async function cancel(node: TestNode, room: string, scheduled: number): Promise<number> {
  const url = `${at(node, room).url}/scheduled/${scheduled}?${SERVICE}`;
  return (await call(url, { method: "DELETE" })).status;
}

async function contents(node: TestNode, room: string): Promise<string[]> {
  return (await at(node, room).all()).map(({ content }) => content);
}

for (const [topology, start] of Object.entries(REDIS_TOPOLOGIES)) {
  describe.skipIf(!REDIS_AVAILABLE)(`scheduled danmaku on Redis (${topology})`, () => {
    test("outlive nodes and servers, are seen and taken back from anywhere, and come once", async () => {
      await using redis = await start();
      // What was accepted is on a replica, where there is one.
      const wait = topology === "standalone" ? [] : ["--redis-wait", "1"];
      const flags = ["--redis", redis.url, "--threads", "1", ...wait];
      const nodes = await Promise.all([1, 2, 3].map(() => startNode({ flags })));
      const [first, second, third] = nodes as [TestNode, TestNode, TestNode];
      try {
        await orphan(first, second, third);
        await first.restart();
        await races(nodes);
        await told(second, third);
        await outage(second, async (room) => {
          if (topology === "standalone") {
            await redis.servers[0]?.kill("SIGKILL");
            return async () => await redis.servers[0]?.start();
          }
          await redis.failOver(room);
          return async () => {};
        });
      } catch (error) {
        for (const node of nodes) console.log(node.log().slice(-3000));
        throw error;
      } finally {
        await Promise.all(nodes.map((node) => node.stop()));
      }
    });
  });
}

/** A room that nobody watches, whose node dies at once. */
async function orphan(dies: TestNode, other: TestNode, third: TestNode): Promise<void> {
  const room = freshRoom("orphan");
  const due = Date.now() + LEAD_MS;
  const [, second] = await schedule(dies, room, [due, due + 1, due + 200, due + 3_600_000]);
  await dies.kill("SIGKILL");
  expect(await waiting(other, room)).toEqual(["s0", "s1", "s2", "s3"]);
  expect(await cancel(third, room, second?.scheduled ?? 0)).toBe(204);
  expect(await cancel(other, room, second?.scheduled ?? 0)).toBe(404);
  expect(await waiting(other, room)).toEqual(["s0", "s2", "s3"]);
  await waitFor("both", async () => (await contents(other, room)).length === 2);
  const history = await at(third, room).all();
  expect(history.map(({ content }) => content)).toEqual(["s0", "s2"]);
  expect(history[0]?.ts).toBeGreaterThanOrEqual(due);
  expect(history[1]?.ts).toBeGreaterThanOrEqual(due + 200);
  expect(await waiting(third, room)).toEqual(["s3"]);
}

/** Taken back in the moment in which it is due, from all nodes at once: one of both happens. */
async function races(nodes: readonly TestNode[]): Promise<void> {
  const room = freshRoom("race");
  const [first] = nodes as [TestNode];
  const due = Date.now() + LEAD_MS;
  const times = Array.from({ length: RACES }, (_, i) => due + i * 10);
  const all = await schedule(first, room, times);
  const cancelled = await Promise.all(
    all.map(async ({ scheduled }, i) => {
      await Bun.sleep(Math.max(0, (times[i] as number) - Date.now()) - 5);
      const answers = await Promise.all(nodes.map((node) => cancel(node, room, scheduled)));
      expect(answers.filter((status) => status === 204).length).toBeLessThanOrEqual(1);
      expect(answers.every((status) => status === 204 || status === 404)).toBe(true);
      return answers.includes(204);
    }),
  );
  await waitFor("nothing to wait", async () => (await waiting(first, room)).length === 0);
  const expected = all.map((_, i) => `s${i}`).filter((_, i) => !cancelled[i]);
  await waitFor("those that were not", async () => (await contents(first, room)).length === expected.length);
  expect(await contents(first, room)).toEqual(expected);
  console.log(`${expected.length} of ${RACES} were delivered, the others taken back`);
}

/** Who published over a connection is acked when it is delivered, or told when another node took it back. */
async function told(publishes: TestNode, cancels: TestNode): Promise<void> {
  const room = freshRoom("told");
  const records: { type: string; id?: number; offset?: number; code?: string; scheduled?: number }[] = [];
  const socket = new WebSocket(publishes.socketUrl(room, SERVICE));
  socket.onmessage = ({ data }) => void records.push(...JSON.parse(String(data)));
  const of = (type: string) => records.filter((record) => record.type === type);
  await waitFor("hello", () => of("hello").length === 1);
  const viewer = await Viewer.open({ url: cancels.socketUrl(room), uid: "elsewhere" });
  const publish = (id: number, fields: object) =>
    socket.send(JSON.stringify({ type: "publish", id, content: `m${id}`, ...fields }));
  publish(1, { delayMs: LEAD_MS });
  publish(2, { delayMs: 3_600_000, key: "k" });
  publish(3, { delayMs: 1, key: "k" });
  publish(4, { deliverAt: 5 });
  await waitFor("answers", () => of("scheduled").length === 3 && of("ack").length >= 1);
  expect(of("scheduled").map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(of("ack")[0]).toMatchObject({ id: 4, offset: 1 });
  const number = of("scheduled")[1]?.scheduled ?? 0;
  expect(of("scheduled")[2]?.scheduled).toBe(number);
  expect(await cancel(cancels, room, number)).toBe(204);
  // Of two that gave the same key, the last one to ask is told.
  await waitFor("word of it", () => of("error").length === 1);
  expect(of("error")).toMatchObject([{ id: 3, code: "not_found" }]);
  await waitFor("the ack", () => of("ack").length === 2);
  expect(of("ack")[1]).toMatchObject({ id: 1, offset: 2 });
  await viewer.reached(2);
  expect(viewer.danmaku.map(({ content }) => content)).toEqual(["m4", "m1"]);
  expect(viewer.faults).toEqual([]);
  socket.close();
  await viewer.close();
}

/** Redis is away, or changes hands, when they are due: they come when it is back, in order. */
async function outage(
  node: TestNode,
  begin: (room: string) => Promise<() => Promise<unknown>>,
): Promise<void> {
  const room = freshRoom("outage");
  const viewer = await Viewer.open({ url: node.socketUrl(room), uid: "watcher", reconnect: true });
  const due = Date.now() + LEAD_MS;
  const times = Array.from({ length: 50 }, (_, i) => due + i * 20);
  await schedule(node, room, times);
  const end = await begin(room);
  await waitFor("their time", () => Date.now() > (times.at(-1) as number));
  await end();
  await waitFor("all of them", async () => {
    try {
      return (await contents(node, room)).length >= times.length;
    } catch {
      // History cannot be read while it is away either.
      return false;
    }
  });
  const history = await at(node, room).all();
  expect(history.map(({ content }) => content)).toEqual(times.map((_, i) => `s${i}`));
  for (const [i, { ts }] of history.entries()) expect(ts).toBeGreaterThanOrEqual(times[i] as number);
  await viewer.reached(history.at(-1)?.offset ?? 0, PATIENCE.bulkMs);
  expect(viewer.danmaku.map(({ content }) => content)).toEqual(history.map(({ content }) => content));
  expect(viewer.faults).toEqual([]);
  await viewer.close();
}
