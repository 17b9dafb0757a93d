/** Slow mode of a room over several nodes on one Redis: they agree on who may write when, whichever is asked. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  call,
  freshRoom,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import { metaKey, slowKey } from "../../../packages/server/src/adapters/redis/index.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const LONG_MS = 600_000;

describe.skipIf(!REDIS_AVAILABLE)("slow mode on two nodes of one Redis", () => {
  let server: RedisServer;
  let nodes: TestNode[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    nodes = await Promise.all(
      [1, 2].map(() => startNode({ flags: ["--redis", server.url, "--limits", "off"] })),
    );
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await server?.stop();
  });

  const apisOf = (room: string) => nodes.map((node) => new RoomApi(node.url, room)) as [RoomApi, RoomApi];

  async function slowDown(api: RoomApi, slowModeMs: number): Promise<void> {
    const answer = await call(`${api.url}/settings?uid=mod&role=moderator`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ slowModeMs }),
    });
    expect(answer).toMatchObject({ status: 200, body: { slowModeMs } });
  }

  test("a user who writes on both at once is taken by one, and told by the other when to come back", async () => {
    const room = freshRoom("slow-nodes");
    const [here] = apisOf(room);
    const watchers = await Promise.all(
      nodes.map((node) => Viewer.open({ url: node.socketUrl(room), uid: "watcher" })),
    );
    await slowDown(here, LONG_MS);
    const users = Array.from({ length: 20 }, (_, n) => `u${n}`);
    const answers = await Promise.all(
      users.map(async (uid) => {
        const both = await Promise.all(nodes.map((node) => Viewer.open({ url: node.socketUrl(room), uid })));
        const answered = await Promise.all(both.map((viewer) => viewer.publish({ content: `by ${uid}` })));
        await Promise.all(both.map((viewer) => viewer.close()));
        return answered;
      }),
    );
    for (const both of answers) {
      expect(both.map(({ type }) => type).sort()).toEqual(["ack", "error"]);
      const refused = both.find((answer) => answer.type === "error");
      expect(refused).toMatchObject({ code: "rate_limited" });
      expect(refused?.retryAfterMs).toBeWithin(1, LONG_MS + 1);
    }
    for (const watcher of watchers) {
      await watcher.reached(users.length);
      expect(watcher.danmaku.map(({ uid }) => uid).sort()).toEqual(users.sort());
      expect(watcher.faults).toEqual([]);
      await watcher.close();
    }
    expect(await here.all()).toHaveLength(users.length);
    expect(Number(await server.cli("zcard", slowKey(room)))).toBe(users.length);
  });

  test("a change on one holds on the other at once, also for a room that it does not have open", async () => {
    const room = freshRoom("slow-change");
    const [here, there] = apisOf(room);
    const status = async (api: RoomApi) => (await api.publish({ content: "again" }, {}, "uid=me")).status;
    await slowDown(here, LONG_MS);
    expect([await status(there), await status(here), await status(there)]).toEqual([201, 429, 429]);
    await slowDown(there, 0);
    expect([await status(here), await status(there), await status(here)]).toEqual([201, 201, 201]);
    expect(await server.cli("exists", slowKey(room))).toBe("0");
    await slowDown(there, LONG_MS);
    expect([await status(here), await status(there)]).toEqual([201, 429]);
    // It outlives the node that set it, and who has written is not forgotten with one.
    await nodes[1]!.kill("SIGKILL");
    await nodes[1]!.restart();
    expect([await status(there), await status(here)]).toEqual([429, 429]);
  });

  test("whom it does not bind, and repeats of a key, are the same on both", async () => {
    const room = freshRoom("slow-roles");
    const [here, there] = apisOf(room);
    await slowDown(here, LONG_MS);
    for (const role of ["moderator", "service", "admin"])
      for (const api of [here, there, there])
        expect(await api.publish({ content: "for all" }, {}, `uid=me&role=${role}`)).toMatchObject({
          status: 201,
        });
    const publish = (api: RoomApi, key: string) =>
      api.publish({ content: key }, { "idempotency-key": key }, "uid=me");
    const first = await publish(here, "one");
    expect(first).toMatchObject({ status: 201, body: { offset: 10 } });
    for (const api of [there, here]) {
      expect(await publish(api, "two")).toMatchObject({ status: 429 });
      expect(await publish(api, "one")).toMatchObject({ status: 201, body: first.body as object });
    }
  });

  test("danmaku of a user are at least the time apart, and what remembers that goes by itself", async () => {
    const room = freshRoom("slow-expiry");
    const slowModeMs = 700;
    await slowDown(apisOf(room)[0], slowModeMs);
    const times: number[] = [];
    await waitFor("five to be taken", async () => {
      const answers = await Promise.all(
        apisOf(room).map((api) => api.publish({ content: "often" }, {}, "uid=me")),
      );
      for (const { status, body } of answers) if (status === 201) times.push((body as { ts: number }).ts);
      return times.length >= 5;
    });
    const apart = times.slice(1).map((ts, n) => ts - (times[n] as number));
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(slowModeMs);
    const leftMs = Number(await server.cli("pttl", slowKey(room)));
    expect(leftMs).toBeLessThanOrEqual(slowModeMs + 1000);
    await waitFor("it to go", async () => (await server.cli("exists", slowKey(room))) === "0");
    expect(await server.cli("hget", metaKey(room), "slowModeMs")).toBe(`${slowModeMs}`);
  });
});
