/** A Cluster that grows while it is used: slots are moved to a new master, with the rooms in them. */
import { describe, expect, test } from "bun:test";
import {
  freshRoom,
  makeTempDir,
  PATIENCE,
  REDIS_AVAILABLE,
  type RedisClusterService,
  redisCli,
  removeTempDir,
  startCluster,
  startNode,
  waitFor,
} from "@danmakud/testkit";
import { crc16 } from "../../packages/server/src/adapters/redis/index.ts";
import { startWorker } from "../integration/dispatch/test-worker.ts";
import { checkHouses, settleHouses } from "./many-nodes/check.ts";
import { House } from "./many-nodes/house.ts";

const ROOMS = 16;
const NODES = 2;
const VIEWERS_PER_ROOM = 4;
const PUBLISH_EVERY_MS = 10;
const MOVED_SLOTS = 150;
/** First slots of the three masters, where a share is taken from. */
const MASTERS_BEGIN = [0, 5461, 10_923];

/** A room that will be moved, or one that will stay. */
function roomThat(moves: boolean): string {
  for (;;) {
    const room = freshRoom("moving");
    const slot = crc16(room) % 16_384;
    if (MASTERS_BEGIN.some((first) => slot >= first && slot < first + MOVED_SLOTS / 4) === moves) return room;
  }
}

if (!REDIS_AVAILABLE) console.log("left out: a Cluster that grows; there is no redis-server");

/** Adds the spare server to the Cluster as a master, and gives it a share of the slots. */
async function grow(redis: RedisClusterService): Promise<void> {
  const [first] = redis.servers;
  const spare = await redis.spare();
  const address = `127.0.0.1:${first!.port}`;
  const added = await redisCli(["--cluster", "add-node", `127.0.0.1:${spare.port}`, address]);
  expect(added).toContain("New node added correctly");
  await waitFor("everybody to know the new one", async () => {
    const infos = await Promise.all(redis.servers.map((server) => server.cli("cluster", "info")));
    // A newcomer that does not see a majority yet breaks the move off, and leaves a slot open.
    return infos.every((info) => /cluster_state:ok/.test(info) && /cluster_known_nodes:7/.test(info));
  });
  const id = await spare.cli("cluster", "myid");
  const share = ["--cluster-from", "all", "--cluster-to", id, "--cluster-slots", String(MOVED_SLOTS)];
  const how = ["--cluster-yes", "--cluster-pipeline", "1"];
  const told = await redisCli(["--cluster", "reshard", address, ...share, ...how], PATIENCE.bulkMs);
  expect(told).not.toMatch(/ERR|failed/);
  expect(await redisCli(["--cluster", "check", address])).toContain("All 16384 slots covered");
}

describe.skipIf(!REDIS_AVAILABLE)("a Cluster that grows under load", () => {
  test(
    "loses nothing, doubles nothing and shows everything in one order, for viewers and workers",
    async () => {
      const folder = makeTempDir("archive");
      await using redis = await startCluster();
      await using stack = new AsyncDisposableStack();
      const nodes = await Promise.all(
        Array.from({ length: NODES }, async () =>
          stack.use(await startNode({ flags: ["--redis", redis.url, "--threads", "1"] })),
        ),
      );
      const worker = stack.use(await startWorker(redis.url, "--sink", `archive:${folder}`));
      await worker.ready();
      const houses = Array.from({ length: ROOMS }, (_, n) => new House(roomThat(n % 2 === 0), nodes, n));
      stack.defer(async () => void (await Promise.all(houses.map((house) => house.leave()))));
      for (const house of houses) await house.enter(VIEWERS_PER_ROOM);
      const owners = async () =>
        await Promise.all(houses.map(async ({ room }) => (await redis.masterOf(room)).port));

      let isOn = true;
      const publishing = (async () => {
        while (isOn) {
          for (const house of houses) if (house.publisher.pending < 200) house.publish("on the move");
          await Bun.sleep(PUBLISH_EVERY_MS);
        }
      })();
      const before = await owners();
      try {
        await waitFor("a beginning", () => houses.every(({ publisher }) => publisher.acked.size > 20));
        await grow(redis);
        const acked = houses.map(({ publisher }) => publisher.acked.size);
        await waitFor("all rooms to go on", () =>
          houses.every(({ publisher }, n) => publisher.acked.size > acked[n]! + 20),
        );
      } finally {
        isOn = false;
        await publishing;
      }
      const after = await owners();
      const moved = after.filter((port, n) => port !== before[n]).length;
      expect(moved).toBe(ROOMS / 2);
      await Promise.all(houses.map(({ publisher }) => publisher.settled()));
      await settleHouses(redis.url, houses, PATIENCE.bulkMs);
      const sum = checkHouses(houses, folder);
      // Nothing was lost, so nothing had to be announced.
      expect(sum).toMatchObject({ lost: 0, newEpochs: 0 });
      console.log(
        `${moved} of ${ROOMS} rooms moved; ${sum.acked} danmaku acked, ${sum.deliveries} deliveries`,
      );
      removeTempDir(folder);
    },
    2 * PATIENCE.bulkMs,
  );
});
