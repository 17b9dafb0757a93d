import { expect, test } from "bun:test";
import { existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir, removeTempDir, sweepTempDirs } from "./temp-dir.ts";

test("folders of test runs that were killed are removed, those of others are not", async () => {
  const parent = makeTempDir("sweep");
  const ended = Bun.spawn(["true"]);
  await ended.exited;
  const make = (name: string, ageS: number) => {
    const path = join(parent, name);
    mkdirSync(join(path, "inner"), { recursive: true });
    const at = Date.now() / 1000 - ageS;
    utimesSync(path, at, at);
    return name;
  };
  const stale = make(`danmakud-test-redis-${ended.pid}-AbC123`, 7200);
  const kept = [
    make(`danmakud-test-redis-${ended.pid}-AbC124`, 60),
    make(`danmakud-test-redis-${process.pid}-AbC125`, 7200),
    make("danmakud-log-AbC126", 7200),
  ];
  expect(sweepTempDirs(parent)).toEqual([stale]);
  expect(existsSync(join(parent, stale))).toBe(false);
  for (const name of kept) expect(existsSync(join(parent, name, "inner"))).toBe(true);
  removeTempDir(parent);
});
