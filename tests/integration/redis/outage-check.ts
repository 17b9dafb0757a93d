/** What has to hold while Redis is away in any manner, and when it is back. */
import { expect } from "bun:test";
import {
  freshRoom,
  Publisher,
  RoomApi,
  RoomLedger,
  type TestNode,
  Viewer,
  waitFor,
} from "../../../packages/testkit/src/index.ts";

/** A way in which Redis fails: how it begins and how it ends. */
export interface Outage {
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
  /** How long it lasts beyond the moment in which all publishers are told. Default 0. */
  readonly holdMs?: number;
}

const PUBLISH_EVERY_MS = 20;

/** Viewers stay, publishers are told, nothing acked is lost, and everybody sees everything once and in order. */
export async function checkOutage(nodes: readonly TestNode[], outage: Outage): Promise<void> {
  const room = freshRoom("outage");
  const ledger = new RoomLedger();
  const viewers = await Promise.all(
    nodes.map((node, index) => Viewer.open({ url: node.socketUrl(room), uid: `viewer-${index}`, ledger })),
  );
  const publishers = nodes.map(
    (node, index) => new Publisher({ url: node.socketUrl(room), uid: `p${index}` }),
  );
  await waitFor("publishers", () => publishers.every((publisher) => publisher.ready));
  const logged = nodes.map((node) => node.log().length);
  let isOn = true;
  let published = 0;
  const publishing = (async () => {
    for (; isOn; published++) {
      for (const publisher of publishers) publisher.publish({ content: `${room} ${published}` });
      await Bun.sleep(PUBLISH_EVERY_MS);
    }
  })();
  let isHurt = false;
  try {
    await waitFor("a beginning", () => publishers.every((publisher) => publisher.acked.size > 10));
    isHurt = true;
    await outage.begin();
    await checkAway(room, nodes, viewers, publishers);
    await Bun.sleep(outage.holdMs ?? 0);
    for (const viewer of viewers) await viewer.ping();
    const before = publishers.map((publisher) => publisher.acked.size);
    isHurt = false;
    await outage.end();
    await waitFor("service again", () =>
      publishers.every((publisher, index) => publisher.acked.size > (before[index] as number) + 10),
    );
  } finally {
    if (isHurt) await outage.end();
    isOn = false;
    await publishing;
  }
  await Promise.all(publishers.map((publisher) => publisher.settled()));
  await waitFor("nodes to be ready", async () =>
    (await Promise.all(nodes.map((n) => n.isReady()))).every(Boolean),
  );
  for (const [index, node] of nodes.entries()) {
    const told = node.log().slice(logged[index]);
    expect(told).toContain("does not answer; publishes are refused until it does");
    await waitFor("the log to say that it is over", () =>
      node.log().slice(logged[index]).includes("answers again"),
    );
    // Not a line for every attempt to connect.
    expect(told.split("\n").length).toBeLessThan(30);
  }
  await checkWhole(room, nodes[0] as TestNode, ledger, viewers, publishers, published);
  await Promise.all([...viewers, ...publishers].map((each) => each.close()));
}

/** While it is away. */
async function checkAway(
  room: string,
  nodes: readonly TestNode[],
  viewers: readonly Viewer[],
  publishers: readonly Publisher[],
): Promise<void> {
  await waitFor("publishers to be told", () => publishers.every(({ retries }) => retries.has("unavailable")));
  for (const node of nodes) {
    const told = await new RoomApi(node.url, room).publish({ uid: "u", content: "by HTTP" });
    expect(told).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(await node.isReady()).toBe(false);
    expect(await node.admin.metrics()).toMatch(/^danmakud_log_failing\{thread="sequencer"\} 1$/m);
  }
  for (const viewer of viewers) await viewer.ping();
}

/** When it is back. */
async function checkWhole(
  room: string,
  node: TestNode,
  ledger: RoomLedger,
  viewers: readonly Viewer[],
  publishers: readonly Publisher[],
  published: number,
): Promise<void> {
  const history = await new RoomApi(node.url, room).all();
  await Promise.all(viewers.map((viewer) => viewer.reached(history.at(-1)?.offset ?? 0)));
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
}
