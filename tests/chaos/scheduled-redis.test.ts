import { expect, test } from "bun:test";
import {
  freshRoom,
  type HttpAnswer,
  missedOffsets,
  PATIENCE,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  startNode,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

const COUNT = 10_000;
const PER_REQUEST = 250;
const NODES = 3;
const ROOMS = 8;
/** In the first so many rooms somebody watches on every node; the others nobody has open. */
const WATCHED = 4;
/** Time for the nodes to accept all of them before the first is due. */
const LEAD_MS = 6000;
const SPREAD_MS = Number(process.env.SCHEDULED_SECONDS ?? 20) * 1000;
/** Scheduled danmaku later than this count as late in the nodes' own metric. */
const LATE_MS = 100;

if (!REDIS_AVAILABLE) console.log("left out: scheduled danmaku on Redis; there is no redis-server");

test.skipIf(!REDIS_AVAILABLE)(
  "of 10,000 scheduled danmaku on three nodes, one killed half-way, each is delivered once, in order and none early",
  async () => {
    await using redis = await RedisServer.start();
    const flags = ["--redis", redis.url, "--retain", "100000", "--threads", "1"];
    const nodes = await Promise.all(Array.from({ length: NODES }, () => startNode({ flags })));
    const rooms = Array.from({ length: ROOMS }, () => freshRoom("due"));
    const viewers: Viewer[][] = [];
    try {
      for (const room of rooms.slice(0, WATCHED)) {
        const open = (node: TestNode) =>
          Viewer.open({ url: node.socketUrl(room), uid: "watcher", reconnect: true });
        viewers.push(await Promise.all(nodes.map(open)));
      }
      const startsAt = Date.now() + LEAD_MS;
      const dueAt = (i: number): number => startsAt + Math.floor((i * SPREAD_MS) / COUNT);
      // Number i is for room i mod ROOMS, and goes over whichever node has its turn.
      const ofRoom = (room: number): number[] =>
        Array.from({ length: COUNT / ROOMS }, (_, n) => n * ROOMS + room);
      await Promise.all(rooms.map((_, room) => schedule(nodes, rooms[room] as string, ofRoom(room), dueAt)));
      const acceptedAt = Date.now();

      await waitFor("half of the danmaku", () => Date.now() > startsAt + SPREAD_MS / 2, {
        timeoutMs: LEAD_MS + SPREAD_MS + PATIENCE.bulkMs,
      });
      // The one that looks after most.
      const before = await Promise.all(nodes.map((node) => counted(node, "delivered")));
      const victim = before.indexOf(Math.max(...before));
      const killedAt = Date.now();
      await nodes[victim]?.kill("SIGKILL");
      const alive = nodes.filter((_, index) => index !== victim);
      const [first] = alive as [TestNode];
      await waitFor(
        "all danmaku",
        async () => {
          if (Date.now() < startsAt + SPREAD_MS) return false;
          const heads = await Promise.all(rooms.map((room) => headOf(first, room)));
          return heads.every((head) => head >= COUNT / ROOMS);
        },
        { timeoutMs: SPREAD_MS + PATIENCE.bulkMs },
      );

      const lateMs: { readonly due: number; readonly ms: number }[] = [];
      for (const [index, room] of rooms.entries()) {
        const history = await new RoomApi(first.url, room).all();
        const expected = ofRoom(index).map((i) => `s${i}`);
        // Each once, in the order of their times: in the log, and before the eyes of those who stayed.
        expect(history.map(({ content }) => content)).toEqual(expected);
        for (const { content, ts } of history) {
          const due = dueAt(Number(content.slice(1)));
          lateMs.push({ due, ms: ts - due });
        }
        for (const viewer of (viewers[index] ?? []).filter((_, node) => node !== victim)) {
          await viewer.reached(history.at(-1)?.offset ?? 0, PATIENCE.bulkMs);
          expect(viewer.danmaku.map(({ content }) => content)).toEqual(expected);
          expect(missedOffsets(viewer, history, 0)).toEqual([]);
          expect(viewer.faults).toEqual([]);
        }
        const list = await fetch(`${first.url}/v1/rooms/${room}/scheduled?uid=m&role=moderator`);
        expect(await list.json()).toEqual({ scheduled: [] });
      }
      expect(lateMs).toHaveLength(COUNT);
      expect(Math.min(...lateMs.map(({ ms }) => ms))).toBeGreaterThanOrEqual(0);
      // The survivors took over, and counted what that made late.
      const after = await Promise.all(alive.map((node) => counted(node, "delivered")));
      const late = await Promise.all(alive.map((node) => counted(node, "late")));
      expect(sum(after)).toBeGreaterThan(0);
      const lateInLog = lateMs.filter(({ ms }) => ms > LATE_MS);
      expect(sum(late)).toBeLessThanOrEqual(lateInLog.length);
      // Not all of them, where Redis stood still too and an answer was lost.
      if (lateInLog.some(({ due }) => due > killedAt)) expect(sum(late)).toBeGreaterThan(0);

      const missed = lateInLog.filter(({ due, ms }) => due + ms > killedAt);
      const lastMissed = Math.max(killedAt, ...missed.map(({ due, ms }) => due + ms));
      const punctual = lateMs
        .filter(({ due }) => due < killedAt - LATE_MS || due > lastMissed)
        .map(({ ms }) => ms)
        .sort((a, b) => a - b);
      console.log(
        `accepted in ${acceptedAt - startsAt + LEAD_MS} ms; delivered by each node before the kill ${before.join(", ")}, ` +
          `in all by those that stayed ${after.join(", ")}; ` +
          `${missed.length} late after the kill, by ${Math.max(0, ...missed.map(({ ms }) => ms))} ms at most, ` +
          `until ${lastMissed - killedAt} ms after it; ` +
          `the others by ${punctual[Math.floor(punctual.length * 0.99)]} ms (P99), ${punctual.at(-1)} ms at most`,
      );
    } catch (error) {
      for (const node of nodes) console.log(node.log().slice(-3000));
      throw error;
    } finally {
      await Promise.all(viewers.flat().map((viewer) => viewer.close()));
      await Promise.all(nodes.map((node) => node.stop()));
    }
  },
  LEAD_MS + SPREAD_MS + 3 * PATIENCE.bulkMs,
);

/** Has the danmaku of one room wait, a batch on each node in turn. */
async function schedule(
  nodes: readonly TestNode[],
  room: string,
  numbers: readonly number[],
  dueAt: (i: number) => number,
): Promise<void> {
  for (let from = 0; from < numbers.length; from += PER_REQUEST) {
    const batch = numbers
      .slice(from, from + PER_REQUEST)
      .map((i) => ({ content: `s${i}`, deliverAt: dueAt(i), key: `k${i}` }));
    const node = nodes[(from / PER_REQUEST) % nodes.length] as TestNode;
    const answer = await new RoomApi(node.url, room).publish(batch, {}, "role=service&uid=site");
    expect(accepted(answer)).toBe(batch.length);
  }
}

/** How many of a batch were accepted to be delivered later. */
function accepted({ status, body }: HttpAnswer): number {
  expect(status).toBe(200);
  const { results } = body as { results: { scheduled?: number }[] };
  return results.filter(({ scheduled }) => scheduled !== undefined).length;
}

/** Of a node's own metric of scheduled danmaku. */
async function counted(node: TestNode, what: "delivered" | "late"): Promise<number> {
  const text = await node.admin.metrics();
  const found = text.matchAll(new RegExp(`^danmakud_scheduled_${what}_total(?:\\{[^}]*\\})? (\\d+)$`, "gm"));
  return sum([...found].map(([, count]) => Number(count)));
}

async function headOf(node: TestNode, room: string): Promise<number> {
  const { body } = await new RoomApi(node.url, room).info();
  return (body as { head?: number }).head ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
