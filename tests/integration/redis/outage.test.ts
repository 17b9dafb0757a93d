import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  PATIENCE,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  runDanmakud,
  startNode,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import { dispatchRoomsKey, slotOf } from "../../../packages/server/src/adapters/redis/index.ts";
import { checkOutage } from "./outage-check.ts";

setDefaultTimeout(PATIENCE.bulkMs);
if (!REDIS_AVAILABLE) console.log("left out: outages of Redis; there is no redis-server");

/** A way in which a server fails: how it begins and how it ends. */
interface Outage {
  readonly name: string;
  readonly begin: (server: RedisServer) => Promise<unknown>;
  readonly end: (server: RedisServer) => Promise<unknown>;
}

const OUTAGES: readonly Outage[] = [
  {
    name: "is stopped and started again",
    begin: (server) => server.kill("SIGTERM"),
    end: (server) => server.start(),
  },
  { name: "is killed and started again", begin: (server) => server.kill(), end: (server) => server.start() },
  {
    name: "stands still for a while",
    begin: async (server) => server.pause(),
    end: async (server) => server.resume(),
  },
  {
    name: "is out of memory",
    begin: (server) => server.cli("config", "set", "maxmemory", "1"),
    end: (server) => server.cli("config", "set", "maxmemory", "0"),
  },
  {
    name: "is read-only",
    begin: (server) => server.cli("config", "set", "min-replicas-to-write", "1"),
    end: (server) => server.cli("config", "set", "min-replicas-to-write", "0"),
  },
  {
    name: "asks for a password",
    begin: async (server) => {
      await server.cli("config", "set", "requirepass", "secret");
      await server.cli("-a", "secret", "client", "kill", "type", "normal", "skipme", "yes");
      await server.cli("-a", "secret", "client", "kill", "type", "pubsub");
    },
    end: (server) => server.cli("-a", "secret", "config", "set", "requirepass", ""),
  },
];

describe.skipIf(!REDIS_AVAILABLE)("when Redis", () => {
  let server: RedisServer;
  let nodes: TestNode[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    nodes = await Promise.all([1, 2].map(() => startNode({ flags: ["--redis", server.url] })));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await server?.stop();
  });

  for (const { name, begin, end } of OUTAGES) {
    test(`${name}, viewers stay, publishers are told, and nothing acked is lost`, () =>
      checkOutage(nodes, { begin: () => begin(server), end: () => end(server) }));
  }

  test("has lost everything, rooms begin a new epoch above every offset ever shown", async () => {
    const room = freshRoom("flushed");
    const viewers = await Promise.all(nodes.map((node) => Viewer.open({ url: node.socketUrl(room) })));
    const publisher = await Viewer.open({ url: nodes[0]!.socketUrl(room), role: "service", uid: "svc" });
    for (let n = 0; n < 20; n++) await publisher.publish({ content: `before ${n}` });
    await Promise.all(viewers.map((viewer) => viewer.reached(20)));
    const [before] = viewers[0]!.hellos;
    await server.cli("flushall");
    // Nobody publishes: it is noticed all the same.
    for (const viewer of viewers) await waitFor("a new hello", () => viewer.hellos.length === 2);
    const answer = await publisher.publish({ content: "after" });
    expect(answer.type).toBe("ack");
    const history = await new RoomApi(nodes[1]!.url, room).all();
    expect(history.map(({ content }) => content)).toEqual(["after"]);
    // Workers that start from now on find it.
    expect(await server.cli("sismember", dispatchRoomsKey(slotOf(room)), room)).toBe("1");
    for (const viewer of viewers) {
      await viewer.saw("after");
      expect(viewer.hello.epoch).not.toBe(before!.epoch);
      expect(viewer.hello).toMatchObject({ resumed: false, epoch: viewers[0]!.hello.epoch });
      expect(viewer.hello.head).toBeGreaterThanOrEqual(20);
      expect(viewer.offsets.at(-1)).toBeGreaterThan(20);
      expect(viewer.faults).toEqual([]);
      expect(viewer.closes).toEqual([]);
    }
    await Promise.all([...viewers, publisher].map((each) => each.close()));
  });
});

test.skipIf(!REDIS_AVAILABLE)("a node that finds no Redis says so and ends", async () => {
  const flags = ["serve", "--dev", "--port", "0", "--admin-listen", "off", "--demo", "off"];
  const result = await runDanmakud([...flags, "--redis", "redis://u:hidden@127.0.0.1:1"]);
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain("redis://127.0.0.1:1 does not answer");
  expect(result.stdout + result.stderr).not.toContain("hidden");
});
