import { describe, expect, test } from "bun:test";
import { freshRoom, Publisher, RoomLedger, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--retain", "20000"] });

/** Publishes `count` danmaku into a room and returns their offsets in order. */
async function fill(room: string, count: number, content = "n"): Promise<number[]> {
  const publisher = new Publisher({ url: node().socketUrl(room) });
  const offsets = await Promise.all(
    Array.from({ length: count }, (_, n) => publisher.publish({ content: `${content}${n}` })),
  );
  expect(publisher.faults).toEqual([]);
  await publisher.close();
  return offsets;
}

describe("resume", () => {
  test.each(["json", "tlv"] as const)("goes on exactly where it was lost (%s)", async (encoding) => {
    const room = freshRoom("resume");
    const viewer = await Viewer.open({ url: node().socketUrl(room), encoding });
    await fill(room, 5, "before ");
    await waitFor("the first five", () => viewer.danmaku.length === 5);
    await viewer.drop();
    await fill(room, 50, "missed ");
    const hello = await viewer.connect();
    expect(hello.resumed).toBe(true);
    await fill(room, 5, "after ");
    await waitFor("all of them", () => viewer.danmaku.length === 60);
    expect(viewer.faults).toEqual([]);
    expect(viewer.gaps).toEqual([]);
    await viewer.close();
  });

  test("at the head is a resume too, with nothing to follow", async () => {
    const room = freshRoom("head");
    const viewer = await Viewer.open({ url: node().socketUrl(room) });
    await fill(room, 3);
    await waitFor("three", () => viewer.danmaku.length === 3);
    await viewer.drop();
    expect(await viewer.connect()).toMatchObject({ resumed: true, head: viewer.coverage.position });
    await viewer.ping();
    expect(viewer.danmaku).toHaveLength(3);
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });

  test("from the very start, further back than any window, loses nothing", async () => {
    const room = freshRoom("far");
    const offsets = await fill(room, 10_000);
    const first = await Viewer.open({ url: node().socketUrl(room) });
    const start = { kind: "resume", epoch: first.hello.epoch, after: 0 } as const;
    for (const encoding of ["json", "tlv"] as const) {
      const late = await Viewer.open({ url: node().socketUrl(room), start, encoding, keep: false });
      expect(late.hello.resumed).toBe(true);
      await late.reached(offsets.at(-1)!);
      expect(late.offsets).toEqual(offsets);
      expect([...late.faults, ...late.gaps]).toEqual([]);
      await late.close();
    }
    await first.close();
  });

  test("while others publish meets the live stream without a seam", async () => {
    const room = freshRoom("seam");
    const ledger = new RoomLedger();
    const url = node().socketUrl(room);
    const steady = await Viewer.open({ url, ledger, keep: false });
    const restless = await Viewer.open({ url, ledger, keep: false, encoding: "tlv" });
    const publisher = new Publisher({ url });
    let running = true;
    const load = (async () => {
      for (let n = 0; running; n++) {
        await Promise.all([publisher.publish({ content: `load ${n}` }), Bun.sleep(1)]);
      }
    })();
    for (let round = 0; round < 30; round++) {
      await restless.drop();
      await Bun.sleep(Math.random() * 20);
      await restless.connect();
    }
    running = false;
    await load;
    const head = Math.max(...publisher.acked.keys());
    await Promise.all([steady.reached(head), restless.reached(head)]);
    expect(restless.offsets).toEqual(steady.offsets);
    expect([...restless.faults, ...steady.faults, ...ledger.conflicts]).toEqual([]);
    expect(restless.gaps).toEqual([]);
    await Promise.all([steady.close(), restless.close(), publisher.close()]);
  });
});

describe("last", () => {
  test("starts with the newest N", async () => {
    const room = freshRoom("last");
    const offsets = await fill(room, 20);
    const viewer = await Viewer.open({ url: node().socketUrl(room), start: { kind: "last", records: 5 } });
    await viewer.reached(offsets.at(-1)!);
    expect(viewer.offsets).toEqual(offsets.slice(-5));
    expect(viewer.hello).toMatchObject({ resumed: false, head: offsets.at(-1) });
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });

  test("of a room with fewer gives all there are", async () => {
    const room = freshRoom("few");
    const offsets = await fill(room, 3);
    const viewer = await Viewer.open({ url: node().socketUrl(room), start: { kind: "last", records: 1000 } });
    await viewer.reached(offsets.at(-1)!);
    expect(viewer.offsets).toEqual(offsets);
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });
});

test("a restart keeps rooms, epochs and offsets", async () => {
  const room = freshRoom("restart");
  const offsets = await fill(room, 30);
  const viewer = await Viewer.open({
    url: node().socketUrl(room),
    reconnect: true,
    start: { kind: "last", records: 1000 },
  });
  await viewer.reached(offsets.at(-1)!);
  const { epoch } = viewer.hello;
  await node().restart();
  await waitFor("the viewer to be back", () => viewer.connected && viewer.hellos.length === 2);
  expect(viewer.hello).toMatchObject({ epoch, resumed: true, head: offsets.at(-1) });
  const [next] = await fill(room, 1, "after the restart ");
  await viewer.reached(next!);
  expect(next).toBe(offsets.at(-1)! + 1);
  expect([...viewer.faults, ...viewer.gaps]).toEqual([]);
  await viewer.close();
});
