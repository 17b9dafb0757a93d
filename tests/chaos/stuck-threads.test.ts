import { expect, setDefaultTimeout, test } from "bun:test";
import {
  FAULTS_ON,
  freshRoom,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

interface ThreadInfo {
  readonly name: string;
  readonly incarnation: number;
}

async function incarnation(node: TestNode, name: string): Promise<number | undefined> {
  const { threads } = (await node.admin.threads()) as { threads: ThreadInfo[] };
  return threads.find((thread) => thread.name === name)?.incarnation;
}

/** Whether the gateway still has its place in the broadcast ring. */
async function isAttached(node: TestNode, gateway: number): Promise<boolean> {
  const answer = await fetch(`${node.adminUrl}/debug/rings`);
  const { broadcast } = (await answer.json()) as { broadcast: { consumers: { attached: boolean }[] } };
  return broadcast.consumers[gateway]?.attached ?? false;
}

async function noticed(node: TestNode, thread: string): Promise<void> {
  await waitFor(
    () => `the node to notice that ${thread} hangs:\n${node.log()}`,
    () => node.log().includes(`${thread} hangs`),
  );
}

test("a gateway stuck in the system keeps its place until it is gone; then it is replaced", async () => {
  await using node = await startNode({ flags: ["--threads", "2"], env: FAULTS_ON });
  await node.admin.fault("gateway-0", "stuck", 4500);
  await noticed(node, "gateway-0");
  // Long enough to start a thread, and it is stuck for longer.
  await Bun.sleep(1000);
  expect(await incarnation(node, "gateway-0")).toBe(-1);
  expect(await isAttached(node, 0)).toBe(true);
  await waitFor(
    () => `gateway-0 to be whole again:\n${node.log()}`,
    () => node.log().includes("gateway-0 is whole again"),
  );
  expect(await incarnation(node, "gateway-0")).toBeGreaterThan(0);
  const room = freshRoom("stuck");
  // Both gateways answer: they share the port.
  for (let i = 0; i < 20; i++) await new RoomApi(node.url, room).mustPublish({ uid: "u", content: `${i}` });
});

test.each(["gateway-0", "journal"])(
  "%s, stuck for good, ends the process as a crash does",
  async (thread) => {
    await using node = await startNode({ flags: ["--threads", "2"], env: FAULTS_ON });
    const room = freshRoom("stuck");
    await new RoomApi(node.url, room).mustPublish({ uid: "u", content: "acked before" });
    await node.admin.fault(thread, "stuck", 60_000);
    await noticed(node, thread);
    await waitFor(
      () => `the process to end:\n${node.log()}`,
      () => !node.running,
    );
    expect(node.log()).toContain("cannot be ended");
    await node.kill("SIGKILL").catch(() => {});
    await node.start();
    const contents = (await new RoomApi(node.url, room).all()).map((record) => record.content);
    expect(contents).toEqual(["acked before"]);
  },
);
