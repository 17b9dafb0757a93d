import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { PATIENCE, residentBytes, useNode, Viewer, waitFor } from "@danmakud/testkit";

/** Both this process and the node hold one descriptor per viewer, and need some for themselves. */
const ROOMS = Math.min(15_000, descriptorsMax() - 2_000);
if (ROOMS < 15_000)
  console.log(`${ROOMS} rooms in place of 15,000: the system allows no more descriptors (ulimit -Hn)`);
/** Connections under way at once: a handshake queue has its limits, and this is about rooms. */
const AT_ONCE = 100;
const node = useNode({ flags: ["--room-linger-ms", "500", "--threads", "2"] });

/** Descriptors a process may hold; where the system does not tell, the test finds out. */
function descriptorsMax(): number {
  if (!existsSync("/proc/self/limits")) return 20_000;
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? 20_000);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Runs `work` for every number below `count`, `AT_ONCE` at a time. */
async function forAll(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

test(
  "thousands of rooms with one viewer and one danmaku each",
  async () => {
    const memory = () => residentBytes(node().pid) ?? 0;
    const atStart = memory();
    const viewers: Viewer[] = [];
    await forAll(ROOMS, async (n) => {
      const url = node().socketUrl(`many-${n}`);
      viewers[n] = await Viewer.open({ url, uid: `u${n}`, encoding: n % 2 === 0 ? "json" : "tlv" });
    });
    const joined = memory();
    await forAll(ROOMS, async (n) => {
      expect(await viewers[n]!.publish({ content: `only in ${n}` })).toMatchObject({ type: "ack" });
    });
    await waitFor(
      () =>
        `every viewer to have its danmaku; ${viewers.filter((viewer) => viewer.danmaku.length === 1).length} have`,
      () => viewers.every((viewer) => viewer.danmaku.length === 1),
      { timeoutMs: PATIENCE.bulkMs },
    );
    for (const [n, viewer] of viewers.entries()) {
      if (viewer.danmaku[0]?.content !== `only in ${n}`)
        throw new Error(`room ${n} has ${viewer.danmaku[0]?.content}`);
    }
    expect(viewers.flatMap((viewer) => viewer.faults)).toEqual([]);
    const peak = memory();
    await forAll(ROOMS, (n) => viewers[n]!.close());
    if (peak === 0) {
      console.log("left out: memory; this system does not tell the memory of a process");
      return;
    }
    const fallen = await waitFor(
      () => `memory to fall from ${mebibytes(peak)}; it is ${mebibytes(memory())}`,
      () => memory() < atStart + 0.75 * (peak - atStart) && memory(),
      { timeoutMs: 2 * PATIENCE.conditionMs, intervalMs: 100 },
    );
    console.log(
      `memory of the node: ${mebibytes(atStart)} empty, ${mebibytes(joined)} with ${ROOMS} rooms joined, ` +
        `${mebibytes(peak)} after a danmaku in each, ${mebibytes(fallen)} soon after they left`,
    );
  },
  3 * PATIENCE.bulkMs,
);
