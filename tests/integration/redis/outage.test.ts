import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  PATIENCE,
  Publisher,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  RoomLedger,
  runDanmakud,
  startNode,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

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
    test(`${name}, viewers stay, publishers are told, and nothing acked is lost`, async () => {
      const room = freshRoom("outage");
      const ledger = new RoomLedger();
      const viewers = await Promise.all(
        nodes.map((node, index) =>
          Viewer.open({ url: node.socketUrl(room), uid: `viewer-${index}`, ledger }),
        ),
      );
      const publishers = nodes.map(
        (node, index) => new Publisher({ url: node.socketUrl(room), uid: `p${index}` }),
      );
      await waitFor("publishers", () => publishers.every((publisher) => publisher.ready));
      let isOn = true;
      let isHurt = false;
      let published = 0;
      const publishing = (async () => {
        for (; isOn; published++) {
          for (const publisher of publishers) publisher.publish({ content: `${room} ${published}` });
          await Bun.sleep(20);
        }
      })();
      try {
        await waitFor("a beginning", () => publishers.every((publisher) => publisher.acked.size > 10));
        isHurt = true;
        await begin(server);
        await waitFor("publishers to be told", () =>
          publishers.every(({ retries }) => retries.has("unavailable")),
        );
        for (const node of nodes) {
          const told = await new RoomApi(node.url, room).publish({ uid: "u", content: "by HTTP" });
          expect(told).toMatchObject({ status: 503, body: { code: "unavailable" } });
          expect(await node.isReady()).toBe(false);
          expect(await node.admin.metrics()).toMatch(/^danmakud_log_failing\{thread="sequencer"\} 1$/m);
        }
        for (const viewer of viewers) await viewer.ping();
        const before = publishers.map((publisher) => publisher.acked.size);
        await end(server);
        isHurt = false;
        await waitFor("service again", () =>
          publishers.every((publisher, index) => publisher.acked.size > (before[index] as number) + 10),
        );
      } finally {
        if (isHurt) await end(server);
        isOn = false;
        await publishing;
      }
      await Promise.all(publishers.map((publisher) => publisher.settled()));
      await waitFor("nodes to be ready", async () =>
        (await Promise.all(nodes.map((n) => n.isReady()))).every(Boolean),
      );

      const history = await new RoomApi(nodes[0]!.url, room).all();
      await Promise.all(viewers.map((viewer) => viewer.reached(history.at(-1)!.offset)));
      const faults = [...viewers, ...publishers].flatMap((each) => each.faults);
      expect([...faults, ...ledger.conflicts]).toEqual([]);
      const kept = new Map(history.map((record) => [record.offset, record.content]));
      for (const publisher of publishers) {
        expect(publisher.acked.size).toBe(published);
        for (const [offset, content] of publisher.acked) expect(kept.get(offset)).toBe(content);
      }
      for (const viewer of viewers) {
        // Never cut off, and everything that exists was seen.
        expect(viewer.closes).toEqual([]);
        expect(viewer.coverage.resets).toBe(0);
        expect(viewer.offsets).toEqual(history.map((record) => record.offset));
      }
      await Promise.all([...viewers, ...publishers].map((each) => each.close()));
    });
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
