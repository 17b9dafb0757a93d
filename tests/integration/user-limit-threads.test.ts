import { expect, test } from "bun:test";
import { freshRoom, RawClient, useNode, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--threads", "2"] });
const CONNECTIONS = 24;
const EACH = 20;

/** Viewers of each gateway thread, as the metrics tell. */
async function viewersPerThread(): Promise<number[]> {
  const lines = (await node().admin.metrics()).matchAll(/^danmakud_viewers\{thread="gateway-\d"\} (\d+)$/gm);
  return [...lines].map(([, count]) => Number(count));
}

test("a user with connections on two gateway threads has one limit, not two", async () => {
  const path = `/v1/rooms/${freshRoom("limit")}/ws?uid=busy`;
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => RawClient.open({ port: node().port, path })),
  );
  for (const client of clients) await client.record("hello");
  await waitFor("both threads to have some of the connections", async () => {
    const counts = await viewersPerThread();
    return (
      counts.length === 2 && counts.every((count) => count > 0) && counts[0]! + counts[1]! === CONNECTIONS
    );
  });
  const began = performance.now();
  for (let id = 0; id < EACH; id++) {
    for (const client of clients) client.sendJson({ type: "publish", id, content: `${id}` });
  }
  const answers = () =>
    clients.flatMap((client) => client.read()).filter(({ type }) => type === "ack" || type === "error");
  await waitFor("every publish to be answered", () => answers().length === CONNECTIONS * EACH);
  // Each stretch of 4.5 s that it took may have 20, and each thread one more where both counted at the same moment.
  const stretches = Math.ceil((performance.now() - began) / 4500);
  const acks = answers().filter(({ type }) => type === "ack").length;
  expect(acks).toBeGreaterThanOrEqual(20);
  expect(acks).toBeLessThanOrEqual(20 * stretches + 2 * stretches);
  for (const client of clients) client.destroy();
});
