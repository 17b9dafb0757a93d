/**
 * The whole of a service under everything that may break at once: three nodes, a Redis Cluster, dispatch workers; a worker
 * and a node are killed, a master of the Cluster fails over, all workers stand still. `DANMAKUD_ACCEPTANCE=full` runs it at
 * its full size, see CONTRIBUTING.md.
 */
import { describe, expect, test } from "bun:test";
import {
  freshRoom,
  makeTempDir,
  REDIS_AVAILABLE,
  type RedisService,
  removeTempDir,
  startCluster,
  startNode,
  type TestNode,
  waitFor,
} from "@danmakud/testkit";
import { startWorker, type TestWorker } from "../integration/dispatch/test-worker.ts";
import { checkHouses, settleHouses } from "./many-nodes/check.ts";
import { House } from "./many-nodes/house.ts";
import { type Scale, scaleOfRun } from "./many-nodes/scale.ts";

const NODES = 3;
const WORKERS = 3;
const TICK_MS = 10;
/** Times the average pace, and danmaku at once. */
const CATCH_UP = 4;
const BURST_MAX = 100;
/** Publishes of a room without an answer. */
const PENDING_MAX = 200;
/** Parts of all cues after which something is done. */
const AT = { failover: 0.15, workerDies: 0.25, nodeDies: 0.35, workersStand: 0.4 } as const;

if (!REDIS_AVAILABLE) console.log("left out: many nodes under everything at once; there is no redis-server");

describe.skipIf(!REDIS_AVAILABLE)("three nodes on a Redis Cluster, with dispatch workers", () => {
  const scale = scaleOfRun();
  test(
    "lose nothing acked but what a failover cost and was announced, show it once and in one order, and archive it all",
    () => run(scale),
    scale.timeoutMs,
  );
});

async function run(scale: Scale): Promise<void> {
  const folder = makeTempDir("archive");
  await using redis = await startCluster();
  await using stack = new AsyncDisposableStack();
  const flags = ["--redis", redis.url, "--threads", "1", "--retain", String(scale.retain)];
  const nodes = await Promise.all(
    Array.from({ length: NODES }, async () => stack.use(await startNode({ flags }))),
  );
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, async () =>
      stack.use(await startWorker(redis.url, "--sink", `archive:${folder}`)),
    ),
  );
  await Promise.all(workers.map((worker) => worker.ready()));
  const houses = Array.from({ length: scale.rooms }, (_, n) => new House(freshRoom("house"), nodes, n));
  stack.defer(async () => void (await Promise.all(houses.map((house) => house.leave()))));
  for (const house of houses) await house.enter(scale.viewers / scale.rooms);

  const began = performance.now();
  const troubles = makeTrouble(scale, redis, nodes, workers, houses);
  try {
    await Promise.all([publishAll(scale, houses, () => !stack.disposed), troubles]);
    await Promise.all(houses.map((house) => house.publisher.settled(scale.patienceMs)));
    const seconds = (performance.now() - began) / 1000;
    await settleHouses(redis.url, houses, scale.patienceMs);
    const { acked, deliveries, lost, newEpochs, cutOff } = checkHouses(houses, folder);
    expect(acked).toBe(houses.length * (scale.cues.length + 1));
    console.log(
      `${scale.viewers} viewers in ${houses.length} rooms, ${acked} danmaku acked in ${seconds.toFixed(1)} s, ` +
        `${deliveries} deliveries; the failover lost ${lost} acked and announced ${newEpochs} new epochs, ` +
        `which cut off ${cutOff} deliveries`,
    );
  } catch (error) {
    for (const node of nodes) console.log(node.log().slice(-3000));
    for (const worker of workers) console.log(worker.stderr().slice(-3000));
    throw error;
  }
  removeTempDir(folder);
}

/**
 * Publishes every cue into every room at its time. A room that was away catches up at a bounded pace: more than is retained
 * must not go by while its viewers are on their way to another node.
 */
async function publishAll({ cues }: Scale, houses: readonly House[], isOn: () => boolean): Promise<void> {
  const averageMs = (cues.at(-1)?.atMs ?? 0) / cues.length;
  const began = performance.now();
  let allowed = 0;
  for (let before = 0; isOn() && houses.some(({ published }) => published < cues.length); ) {
    const now = performance.now() - began;
    allowed = Math.min(BURST_MAX, allowed + (CATCH_UP * (now - before)) / averageMs);
    before = now;
    let most = 0;
    for (const house of houses)
      most = Math.max(most, house.publishDue(cues, now, Math.floor(allowed), PENDING_MAX));
    allowed -= most;
    await Bun.sleep(TICK_MS);
  }
}

/** Breaks one thing after the other, each when a part of all has been acked. */
async function makeTrouble(
  { cues, retain, standStillMs, patienceMs }: Scale,
  redis: RedisService,
  nodes: readonly TestNode[],
  workers: readonly TestWorker[],
  houses: readonly House[],
): Promise<void> {
  const acked = () => houses.reduce((sum, { publisher }) => sum + publisher.acked.size, 0);
  const reached = (share: number) =>
    waitFor(
      () => `${share} of all to be acked; ${acked()} are`,
      () => acked() >= share * cues.length * houses.length,
      { timeoutMs: patienceMs },
    );
  const [first] = houses as [House];

  await reached(AT.failover);
  const master = await redis.failOver(first.room);
  // It comes back, as a replica.
  await master.start();
  await reached(AT.workerDies);
  workers[0]!.signal("SIGKILL");
  await workers[0]!.result;
  await reached(AT.nodeDies);
  await nodes[2]!.kill("SIGKILL");
  await nodes[2]!.restart();
  await reached(AT.workersStand);
  const before = houses.map(({ publisher }) => publisher.acked.size);
  for (const worker of workers.slice(1)) worker.signal("SIGSTOP");
  const mayGoOn = Bun.sleep(standStillMs);
  try {
    const gone = () => Math.max(...houses.map(({ publisher }, n) => publisher.acked.size - before[n]!));
    await waitFor(
      () => `more than ${retain} danmaku to go by in a room; ${gone()} did`,
      () => gone() > retain,
      { timeoutMs: patienceMs },
    );
    await mayGoOn;
  } finally {
    for (const worker of workers.slice(1)) worker.signal("SIGCONT");
  }
}
