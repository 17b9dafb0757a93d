import { expect, test } from "bun:test";
import { freshRoom, type PublishAnswer, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode();

function codes(answers: readonly PublishAnswer[]): Set<string> {
  return new Set(answers.map((answer) => (answer.type === "error" ? answer.code : "ack")));
}

test("a user has 20 publishes in 5 s, over all connections, and is told when to go on", async () => {
  const url = node().socketUrl(freshRoom("limit"));
  const both = [await Viewer.open({ url, uid: "hasty" }), await Viewer.open({ url, uid: "hasty" })];
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => both[n % 2]!.publish({ content: `n${n}` })),
  );
  const refused = answers.filter((answer) => answer.type === "error");
  expect(refused).toHaveLength(10);
  for (const answer of refused) {
    expect(answer).toMatchObject({ code: "rate_limited" });
    expect(answer.type === "error" && answer.retryAfterMs).toBeGreaterThan(0);
  }
  const other = await Viewer.open({ url, uid: "other" });
  expect(await other.publish({ content: "not my fault" })).toMatchObject({ type: "ack" });
  await waitFor(
    "leave to publish again",
    async () => (await both[0]!.publish({ content: "again" })).type === "ack",
    {
      intervalMs: 500,
    },
  );
  await Promise.all([...both, other].map((viewer) => viewer.close()));
});

test("a connection has 500 messages a second; a service has no such limits", async () => {
  const url = node().socketUrl(freshRoom("flood"));
  const viewer = await Viewer.open({ url, uid: "flooder" });
  const pings = Array.from({ length: 900 }, (_, id) => ({ type: "ping", id }) as const);
  for (let n = 0; n < 5; n++) viewer.send(pings);
  await waitFor(
    "the flood to be refused",
    () => !viewer.connected || viewer.errors.some((error) => error.code === "rate_limited"),
  );
  if (!viewer.connected) expect(viewer.closes.at(-1)?.code).toBe(4029);

  const service = await Viewer.open({ url, uid: "bridge", role: "service" });
  const answers = await Promise.all(
    Array.from({ length: 2_000 }, (_, n) => service.publish({ content: `n${n}` })),
  );
  expect(codes(answers)).toEqual(new Set(["ack"]));
  await viewer.close();
  await service.close();
});

test("--limits off is for benchmarks, and says so", async () => {
  const { startNode } = await import("@danmakud/testkit");
  await using open = await startNode({ flags: ["--limits", "off"] });
  expect(open.log()).toMatch(/limits/i);
  const viewer = await Viewer.open({ url: open.socketUrl("open"), uid: "u" });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => viewer.publish({ content: `n${n}` })),
  );
  expect(codes(answers)).toEqual(new Set(["ack"]));
  await viewer.close();
});
