import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  Audience,
  FAULTS_ON,
  freshRoom,
  PATIENCE,
  Publisher,
  RoomApi,
  startNode,
  TEST_LIMIT_MS,
  type TestNode,
  type ThreadFault,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(2 * TEST_LIMIT_MS);

const PUBLISHERS = 4;
const LOAD_PAUSE_MS = 20;

/** Publishers under way that notice how long an answer took. */
class Load {
  readonly publishers: Publisher[];
  #running = true;
  /** Longest time that a publish waited for its ack, ms, since it was last set to 0. */
  longestWaitMs = 0;

  constructor(node: TestNode, room: string) {
    const url = node.socketUrl(room);
    this.publishers = Array.from({ length: PUBLISHERS }, (_, n) => new Publisher({ url, uid: `load-${n}` }));
    for (const publisher of this.publishers) this.#run(publisher);
  }

  get acked(): number {
    return this.publishers.reduce((sum, publisher) => sum + publisher.acked.size, 0);
  }

  /** Has every publisher publish once more; settles with the highest offset when all are acknowledged. */
  async probe(content: string): Promise<number> {
    return Math.max(
      ...(await Promise.all(this.publishers.map((publisher) => publisher.publish({ content })))),
    );
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const publisher of this.publishers) await publisher.settled();
  }

  async #run(publisher: Publisher): Promise<void> {
    for (let n = 0; this.#running; n++) {
      const sent = performance.now();
      await publisher.publish({ content: `load ${n}` });
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - sent);
      await Bun.sleep(LOAD_PAUSE_MS);
    }
  }
}

async function survives(thread: string, fault: ThreadFault): Promise<void> {
  await using node = await startNode({ flags: ["--threads", "2", "--retain", "100000"], env: FAULTS_ON });
  const room = freshRoom("fault");
  const audience = new Audience(node, room);
  await audience.enter(20);
  const load = new Load(node, room);
  await waitFor("a running load", () => load.acked > 100);
  const { pid } = node;

  load.longestWaitMs = 0;
  const planted = performance.now();
  await node.admin.fault(thread, fault);
  await waitFor(
    () => `the fault to show in the node's log:\n${node.log()}`,
    () => node.log().includes(thread) || !node.running,
  );
  const probe = await load.probe("after the fault");
  await audience.reached(probe, PATIENCE.bulkMs);
  await node.ready();
  const wholeMs = performance.now() - planted;
  // The gateways share the port: enough new viewers meet each of them.
  const late = await audience.enter(20, {
    kind: "resume",
    epoch: audience.viewers[0]!.hello.epoch,
    after: 0,
  });
  const last = await load.probe("with new viewers");
  await audience.reached(last, PATIENCE.bulkMs);
  await load.stop();
  console.log(
    `${fault} of ${thread}: whole again after ${wholeMs.toFixed(0)} ms, longest wait for an ack ${load.longestWaitMs.toFixed(0)} ms`,
  );

  expect({ running: node.running, pid: node.running && node.pid }).toEqual({ running: true, pid });
  const history = await new RoomApi(node.url, room).all();
  await audience.reached(history.at(-1)!.offset, PATIENCE.bulkMs);
  const kept = new Map(history.map((record) => [record.offset, record.content]));
  for (const publisher of load.publishers) {
    expect(publisher.faults).toEqual([]);
    expect(publisher.refused).toEqual([]);
    for (const [offset, content] of publisher.acked) expect(kept.get(offset)).toBe(content);
  }
  expect(history.length).toBe(load.acked);
  expect(late[0]!.offsets).toEqual(history.map((record) => record.offset));
  for (const record of history) audience.ledger.observe(audience.viewers[0]!.hello.epoch, record);
  expect(audience.faults()).toEqual([]);
  expect(audience.viewers.filter((viewer) => viewer.coverage.resets > 0)).toEqual([]);
  for (const publisher of load.publishers) await publisher.close();
  await audience.leave();
}

describe.each(["gateway-0", "sequencer", "journal"])("under load, %s", (thread) => {
  test.each(["crash", "hang"] as const)("may %s, and the node is whole again", (fault) =>
    survives(thread, fault),
  );
});
