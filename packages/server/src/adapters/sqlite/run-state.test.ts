import { expect, test } from "bun:test";
import { epochOfNewLife, nextRun, type RunStart, type RunState } from "./run-state.ts";

const cleanStop: RunState = {
  generation: 3,
  burn: 100,
  burned: 700,
  running: 0,
  unsynced: 0,
  boot: "boot-1",
  life: 1,
  seed: "s",
};
const start: RunStart = { burn: 40, bootId: "boot-1", synced: true, nowMs: 0 };

test("the first run begins the first life", () => {
  const first = nextRun(
    { ...cleanStop, generation: 0, burn: 0, burned: 0, boot: "", life: 0, seed: "" },
    start,
  );
  expect(first).toMatchObject({ generation: 0, burned: 0, life: 1, running: 1, unsynced: 0 });
  expect(first.seed).toHaveLength(32);
});

test("a clean stop burns nothing, on any boot", () => {
  for (const bootId of ["boot-1", "boot-2", ""]) {
    const next = nextRun(cleanStop, { ...start, bootId });
    expect(next).toMatchObject({ generation: 3, burned: 700, burn: 40, life: 1, seed: "s", boot: bootId });
  }
});

test("an unclean stop burns what the last run could be ahead, not what the next one can", () => {
  const next = nextRun({ ...cleanStop, running: 1 }, start);
  expect(next).toMatchObject({ generation: 4, burned: 800, burn: 40, life: 1 });
  expect(nextRun(next, start)).toMatchObject({ generation: 5, burned: 840 });
});

test("a new life after a reboot, where commits were not synced", () => {
  const crashed: RunState = { ...cleanStop, running: 1, unsynced: 1 };
  expect(nextRun(crashed, start)).toMatchObject({ life: 1, seed: "s" });
  const reborn = nextRun(crashed, { ...start, bootId: "boot-2" });
  expect(reborn.life).toBe(2);
  expect(reborn.seed).not.toBe("s");
  expect(reborn.unsynced).toBe(0);
  expect(nextRun({ ...crashed, unsynced: 0 }, { ...start, bootId: "boot-2" }).life).toBe(1);
});

test("an unknown boot is another boot", () => {
  const crashed: RunState = { ...cleanStop, running: 1, unsynced: 1, boot: "" };
  const reborn = nextRun(crashed, { ...start, bootId: "" });
  expect(reborn).toMatchObject({ life: 2, unsynced: 1 });
});

test("what an unsynced run left stays unsynced under a synced one of the same boot", () => {
  const unsynced = nextRun(cleanStop, { ...start, synced: false });
  expect(unsynced.unsynced).toBe(1);
  const synced = nextRun(unsynced, start);
  expect(synced.unsynced).toBe(1);
  expect(nextRun(synced, { ...start, bootId: "boot-2" }).life).toBe(2);
});

test("the epoch of a new life depends on life and room, and is a name", () => {
  expect(epochOfNewLife("a", "r")).toBe(epochOfNewLife("a", "r"));
  expect(new Set(["a r", "a s", "b r"].map((x) => epochOfNewLife(x[0] as string, x[2] as string))).size).toBe(
    3,
  );
  expect(epochOfNewLife("a", "r")).toMatch(/^[A-Za-z0-9_-]{16}$/);
});
