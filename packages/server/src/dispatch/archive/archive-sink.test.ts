import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeTempDir, mountSmallDisk, removeTempDir } from "@danmakud/testkit";
import type { SinkEntry } from "../sink.ts";
import { MARK_SUFFIX } from "./archive-file.ts";
import { type ArchiveOptions, ArchiveSink } from "./archive-sink.ts";
import { IN_PLACE_BYTES_MAX, MARK_STALE_MS } from "./limits.ts";
import { repairFolder } from "./repair.ts";

const DEAD_PID = 2 ** 22 + 1; // above what Linux gives out
const log = { info: () => {}, warn: () => {}, error: () => {} };
let folder = "";
let now = 1_700_000_000_000;
beforeEach(() => {
  folder = makeTempDir("archive");
});
afterEach(() => removeTempDir(folder));

const open = (changes: Partial<ArchiveOptions> = {}) =>
  ArchiveSink.open({
    folder,
    worker: "w1",
    rotateBytes: 1 << 20,
    rotateMs: 3_600_000,
    fsync: "batch",
    log,
    now: () => now,
    ...changes,
  });

const entry = (offset: number, content = '弹幕\n "quoted"'): SinkEntry => ({
  room: "r",
  epoch: "e",
  offset,
  type: "danmaku",
  ts: 1,
  uid: "u",
  content,
  mode: "scroll",
  color: "#ffffff",
  size: 25,
  class: "normal",
});
const files = (at = folder) => readdirSync(at).filter((name) => name.endsWith(".jsonl"));
const offsets = (at = folder) =>
  files(at).flatMap((name) =>
    readFileSync(join(at, name), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as SinkEntry).offset),
  );

test("one line per entry, whatever is in it; the mark goes when the file is closed", async () => {
  const sink = await open();
  await sink.write([entry(1), entry(2, "tab\t end")]);
  expect(offsets()).toEqual([1, 2]);
  const [name = ""] = files();
  expect(JSON.parse(readFileSync(join(folder, name), "utf8").split("\n")[0] ?? "")).toEqual(entry(1));
  expect(existsSync(join(folder, name + MARK_SUFFIX))).toBe(true);
  await sink.close();
  expect(existsSync(join(folder, name + MARK_SUFFIX))).toBe(false);
});

test("little and much in turn stand in the order in which they came", async () => {
  const sink = await open({ rotateBytes: 1 << 30 });
  const long = "x".repeat(IN_PLACE_BYTES_MAX);
  const wanted = Array.from({ length: 60 }, (_, at) => at + 1);
  // Not awaited one by one: the sink takes them in turn, whichever way each is written.
  await Promise.all(wanted.map((offset) => sink.write([entry(offset, offset % 4 === 0 ? long : "short")])));
  await sink.close();
  expect(offsets()).toEqual(wanted);
});

test("a new file is begun by size and by time, and nothing is split or lost over it", async () => {
  const sink = await open({ rotateBytes: 4_096, rotateMs: 60_000 });
  for (let offset = 1; offset <= 100; offset++) await sink.write([entry(offset)]);
  const bySize = files().length;
  expect(bySize).toBeGreaterThan(2);
  now += 60_000;
  await sink.write([entry(101)]);
  expect(files().length).toBe(bySize + 1);
  await sink.close();
  expect(offsets().sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, i) => i + 1));
});

test("a torn last line of a dead writer is cut off at the next start, and nothing else is", async () => {
  const whole = `${JSON.stringify(entry(1))}\n${JSON.stringify(entry(2))}\n`;
  const torn = join(folder, "danmaku-a.jsonl");
  const only = join(folder, "danmaku-b.jsonl");
  const fine = join(folder, "danmaku-c.jsonl");
  for (const [path, text] of [
    [torn, `${whole}${JSON.stringify(entry(3)).slice(0, 40)}`],
    [only, "x".repeat(200_000)],
    [fine, whole],
  ] as const) {
    writeFileSync(path, text);
    writeFileSync(path + MARK_SUFFIX, JSON.stringify({ host: hostname(), pid: DEAD_PID }));
  }
  const repairs = await repairFolder(folder, Date.now());
  expect(repairs.map(({ path, bytesCut }) => [path, bytesCut]).sort()).toEqual([
    [torn, 40],
    [only, 200_000],
    [fine, 0],
  ]);
  expect(readFileSync(torn, "utf8")).toBe(whole);
  expect(readFileSync(only, "utf8")).toBe("");
  expect(readdirSync(folder).filter((name) => name.endsWith(MARK_SUFFIX))).toEqual([]);
});

test("the file of a living writer is left alone, until its mark is old", async () => {
  const path = join(folder, "danmaku-a.jsonl");
  const half = '{"half":';
  for (const mark of [
    { host: hostname(), pid: process.ppid },
    { host: "elsewhere", pid: DEAD_PID },
  ]) {
    writeFileSync(path, half);
    writeFileSync(path + MARK_SUFFIX, JSON.stringify(mark));
    expect(await repairFolder(folder, Date.now())).toEqual([]);
    expect(readFileSync(path, "utf8")).toBe(half);
    const old = new Date(Date.now() - MARK_STALE_MS - 1_000);
    utimesSync(path + MARK_SUFFIX, old, old);
    expect(await repairFolder(folder, Date.now())).toEqual([{ path, bytesCut: half.length }]);
  }
});

test("garbage in the folder is not touched", async () => {
  writeFileSync(join(folder, "notes.txt"), "no newline");
  writeFileSync(join(folder, `danmaku-z.jsonl${MARK_SUFFIX}`), "not json");
  appendFileSync(join(folder, "danmaku-z.jsonl"), "half");
  await (await open()).close();
  expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("no newline");
  expect(readFileSync(join(folder, "danmaku-z.jsonl"), "utf8")).toBe("half");
});

const MIB = 1024 * 1024;

test("a full disk is `unavailable`, tears no line, and goes on when there is space", async () => {
  const disk = mountSmallDisk(MIB);
  if (typeof disk === "string") return console.log(`skipped: ${disk}`);
  try {
    const sink = await open({ folder: disk.path, rotateBytes: 1 << 30 });
    const batchFrom = (first: number) =>
      Array.from({ length: 200 }, (_, i) => entry(first + i, "x".repeat(150)));
    let written = 0;
    const fill = async () => {
      for (;;) {
        await sink.write(batchFrom(written + 1));
        written += 200;
      }
    };
    expect((await fill().catch((error) => error)).name).toBe("SinkUnavailableError");
    expect(offsets(disk.path)).toHaveLength(written);
    disk.resize(4 * MIB);
    await sink.write(batchFrom(written + 1));
    await sink.close();
    expect(offsets(disk.path).sort((a, b) => a - b)).toEqual(
      Array.from({ length: written + 200 }, (_, i) => i + 1),
    );
  } finally {
    disk.remove();
  }
});

test("a folder that cannot be made is an error at the start", async () => {
  writeFileSync(join(folder, "file"), "");
  expect(open({ folder: join(folder, "file", "archive") })).rejects.toThrow();
});
