/** A user's limit over all nodes of a shared log. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  PATIENCE,
  REDIS_AVAILABLE,
  RedisServer,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

/** The limit of a user, and the time that it is about. */
const MESSAGES = 20;
const WINDOW_MS = 5000;

describe.skipIf(!REDIS_AVAILABLE)("a user on two nodes of one Redis", () => {
  let server: RedisServer;
  let nodes: TestNode[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    nodes = await Promise.all([1, 2].map((threads) => startNode({ flags: flagsOf(threads) })));
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await server?.stop();
  });
  const flagsOf = (threads: number): string[] => [
    ...["--redis", server.url, "--limits", "on", "--threads", `${threads}`],
  ];

  async function publish(node: TestNode, room: string, uid: string, more = ""): Promise<number> {
    const answer = await fetch(`${node.url}/v1/rooms/${room}/danmaku?uid=${uid}${more}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"content":"again"}',
    });
    await answer.text();
    return answer.status;
  }

  /** Publishes what the limit allows, and more. */
  async function exhaust(node: TestNode, room: string, uid: string): Promise<void> {
    await Promise.all(Array.from({ length: MESSAGES + 5 }, () => publish(node, room, uid)));
  }

  test("is refused by one for what it published on the other, and let in again later", async () => {
    const room = freshRoom("user-limit");
    for (const [from, to] of [nodes, nodes.toReversed()] as [TestNode, TestNode][]) {
      const uid = `user-${from === nodes[0] ? "a" : "b"}`;
      // So few tries on the second node that its own limit cannot be what refuses; on a machine that is too slow for the
      // first node's to be known in time it is told again.
      await waitFor(
        "the other node to refuse",
        async () => {
          await exhaust(from, room, uid);
          for (let tries = 0; tries < MESSAGES / 2; tries++) {
            if ((await publish(to, room, uid)) === 429) return true;
            await Bun.sleep(200);
          }
          await Bun.sleep(WINDOW_MS);
          return false;
        },
        { timeoutMs: PATIENCE.conditionMs },
      );
      // Another user is not held up by that, nor is a service that speaks for many.
      expect(await publish(to, room, `other-${uid}`)).toBe(201);
      expect(await publish(to, room, uid, "&role=service")).toBe(201);
      await waitFor("the other node to take it again", async () => (await publish(to, room, uid)) === 201, {
        timeoutMs: PATIENCE.conditionMs,
      });
    }
  });

  test("what a node has told ages out after it was killed", async () => {
    const room = freshRoom("user-limit-dead");
    await exhaust(nodes[0]!, room, "leaver");
    await nodes[0]!.kill("SIGKILL");
    await waitFor(
      "the node that is left to take what the user publishes",
      async () => (await publish(nodes[1]!, room, "leaver")) === 201,
      { timeoutMs: PATIENCE.conditionMs },
    );
    await nodes[0]!.restart();
    expect(await publish(nodes[0]!, room, "somebody")).toBe(201);
  });
});
