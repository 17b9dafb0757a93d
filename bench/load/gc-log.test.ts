import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGcLog } from "./gc-log.ts";

const KIB = 1024;

function historyOf(lines: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "gc-log-"));
  try {
    writeFileSync(join(folder, "log"), lines.join("\n"));
    return readGcLog(join(folder, "log"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("what a heap allocates is what collections find beyond what the ones before left", () => {
  const heaps = historyOf([
    "[GC<0xa1>: starting 0.2ms]",
    "[GC<0xb2>: starting 0.1ms]",
    "[GC<0xb2>: START M 500kb => FullCollection, v=0kb (C:0) i#1 => 100kb, p=2.5ms (max 2.5), cycle 2.4ms END]",
    "GC END!",
    '{"level":30,"msg":"something else"}',
    "[GC<0xb2>: START M 400kb => EdenCollection, v=0kb (C:0) i#1 => 150kb, p=0.5ms (max 2.5), cycle 0.4ms END]",
    "[GC<0xb2>: START M 170kb => EdenCollection, v=0kb (C:0) i#1 => 160kb, p=0.25ms (max 2.5), cycle 0.2ms END]",
  ]);
  expect(heaps).toHaveLength(2);
  expect(heaps[0]).toMatchObject({ collections: 0, allocatedBytes: 0 });
  expect(heaps[1]).toMatchObject({
    collections: 3,
    allocatedBytes: (300 + 20) * KIB,
    keptBytes: 160 * KIB,
    pauseMs: 3.25,
    pauseMsMax: 2.5,
  });
});

test("a collection whose end stands on another line counts once", () => {
  const [first, second] = historyOf([
    "[GC<0xa1>: START M 50kb => FullCollection, i#1 => 10kb, p=1ms (max 1), cycle 1ms END]",
    "[GC<0xa1>: START M 90kb => EdenCollection, a=0kb p=0.9ms (max 1)...]",
    "[GC<0xb2>: START M 70kb => EdenCollection, i#1[GC<0xa1>: M a=0kb v=1kb => 20kb, p=0.5ms (max 1), cycle 2ms END]",
    " 0+0 v=2kb => 30kb, p=0.75ms (max 1), cycle 2ms END]",
  ]);
  const all = [first, second];
  expect(all.reduce((sum, heap) => sum + (heap?.collections ?? 0), 0)).toBe(3);
  expect(first?.allocatedBytes).toBe(80 * KIB);
});
