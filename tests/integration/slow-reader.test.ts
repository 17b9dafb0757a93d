import { expect, test } from "bun:test";
import {
  freshRoom,
  OffsetCoverage,
  PATIENCE,
  Publisher,
  RawClient,
  RoomApi,
  residentBytes,
  useNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import type { DanmakuRecord } from "@danmakud/wire";

const node = useNode({ flags: ["--retain", "100000"] });

/** 24 MB as JSON: far more than the kernel takes for a reader that does not read, and than any window holds. */
const PUBLISHED = 24_000;
const AT_ONCE = 400;
const PAID_EVERY = 1_000;
const LONG = "慢".repeat(190);

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? "unknown" : `${Math.round(bytes / 2 ** 20)} MiB`;
}

async function publishAll(publisher: Publisher): Promise<void> {
  for (let n = 0; n < PUBLISHED; n += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, at) => n + at);
    await Promise.all(
      some.map((k) =>
        publisher.publish({ content: `${LONG} ${k}`, class: k % PAID_EVERY === 0 ? "paid" : "normal" }),
      ),
    );
  }
}

/** Reads what a connection got through the eyes of the protocol. */
function judge(client: RawClient): { coverage: OffsetCoverage; danmaku: DanmakuRecord[] } {
  const coverage = new OffsetCoverage();
  const danmaku: DanmakuRecord[] = [];
  coverage.connecting({ kind: "head" });
  for (const record of client.read()) {
    if (record.type === "hello") coverage.hello(record);
    else if (record.type === "gap") coverage.gap(record);
    else if (record.type === "danmaku") {
      coverage.record(record.offset, record.ts);
      danmaku.push(record);
    }
  }
  return { coverage, danmaku };
}

test(
  "a client that never reads holds up nobody, and later learns what it missed",
  async () => {
    const room = freshRoom("slow");
    const url = node().socketUrl(room);
    const slow = await RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws` });
    await slow.record("hello");
    slow.socket.pause();
    const watcher = await Viewer.open({ url, keep: false, encoding: "tlv" });
    const before = residentBytes(node().pid);
    const publisher = new Publisher({ url });
    await publishAll(publisher);
    const head = Math.max(...publisher.acked.keys());
    await watcher.reached(head, PATIENCE.bulkMs);
    const after = residentBytes(node().pid);
    console.log(
      `memory of the node: ${mebibytes(before)} before, ${mebibytes(after)} with a reader 24 MB behind`,
    );
    expect([...watcher.faults, ...watcher.gaps]).toEqual([]);
    expect(watcher.offsets).toHaveLength(PUBLISHED);

    slow.socket.resume();
    await waitFor(
      () => `the slow reader to reach ${head}; it is at ${judge(slow).coverage.position}`,
      () => slow.socket.ended || judge(slow).coverage.position >= head,
      { timeoutMs: PATIENCE.bulkMs, intervalMs: 200 },
    );
    const { coverage, danmaku } = judge(slow);
    expect(coverage.faults).toEqual([]);
    if (coverage.position < head) {
      expect((await slow.closed()).code).toBe(4009);
      return;
    }
    const skipped = coverage.gaps.reduce((sum, gap) => sum + gap.to - gap.from + 1, 0);
    console.log(
      `the slow reader got ${danmaku.length} danmaku; ${skipped} were skipped in ${coverage.gaps.length} gaps`,
    );
    expect(danmaku.length + skipped).toBe(PUBLISHED);
    expect(new Set(coverage.gaps.map((gap) => gap.reason))).toEqual(
      new Set(skipped > 0 ? ["slow_consumer"] : []),
    );
    // Paid danmaku are never skipped.
    const paid = (await new RoomApi(node().url, room).all()).filter((record) => record.class === "paid");
    expect(danmaku.filter((record) => record.class === "paid").map((record) => record.offset)).toEqual(
      paid.map((record) => record.offset),
    );
    slow.destroy();
    await Promise.all([watcher.close(), publisher.close()]);
  },
  2 * PATIENCE.bulkMs,
);
