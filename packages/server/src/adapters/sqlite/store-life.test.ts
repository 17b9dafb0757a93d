import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Durability } from "@danmakud/core/ports";
import { batchOf, NO_LIMITS, outline, runOf } from "../../../../core/src/ports/room-log.fixture.ts";
import { openReader } from "./store-reader.ts";
import { openWriter, type StoreWriter } from "./store-writer.ts";
import { temporaryFolder, writerOptions } from "./testing.ts";

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const open = (durability: Durability, bootId: string): StoreWriter => {
  return openWriter(writerOptions({ dir, durability, bootId }));
};

/** Opens, writes three records, stops. */
function written(durability: Durability, bootId: string, clean: boolean): void {
  const writer = open(durability, bootId);
  writer.commit(batchOf({ runs: [runOf("r", "e1", [1, 2, 3]), runOf("s", "e1", [1])] }));
  if (clean) writer.close();
}

test("same epoch after a reboot with fsync, after a clean stop, and after a crash without a reboot", () => {
  const cases = [
    ["fsync", false, "boot-2"],
    ["os", true, "boot-2"],
    ["none", true, "boot-2"],
    ["os", false, "boot-1"],
    ["none", false, "boot-1"],
  ] as const;
  for (const [durability, clean, nextBoot] of cases) {
    rmSync(dir, { recursive: true, force: true });
    dir = temporaryFolder();
    written(durability, "boot-1", clean);
    const writer = open(durability, nextBoot);
    const reader = openReader({ dir });
    expect(writer.life).toBe(1);
    expect(writer.unclean).toBe(!clean);
    expect(reader.room("r")).toMatchObject({ epoch: "e1", head: clean ? 3 : 503 });
    reader.close();
    writer.close();
  }
});

test("an unclean reboot below fsync gives every room a new epoch; offsets go on and old records stay readable", () => {
  written("os", "boot-1", false);
  let writer = open("os", "boot-2");
  let reader = openReader({ dir });
  expect(writer.life).toBe(2);
  const { epoch, head } = reader.room("r") ?? { epoch: "", head: 0 };
  expect(epoch).not.toBe("e1");
  expect(epoch).not.toBe("");
  expect(reader.room("s")?.epoch).not.toBe(epoch);
  expect(head).toBe(503);

  // The same epoch until the next write, also after another start.
  reader.close();
  writer.close();
  writer = open("os", "boot-2");
  reader = openReader({ dir });
  expect(reader.room("r")?.epoch).toBe(epoch);
  writer.commit(batchOf({ runs: [runOf("r", epoch, [504])] }));
  expect(reader.room("r")).toMatchObject({ epoch, head: 504, floor: 1 });
  expect(outline(reader.read("r", 0, 504, NO_LIMITS))).toEqual(["1", "2", "3", "4-503 lost", "504"]);
  reader.close();
  writer.close();
});

test("in a new life a room may also start over under an epoch of its own, and nothing old is left then", () => {
  written("none", "boot-1", false);
  const writer = open("none", "boot-2");
  const reader = openReader({ dir });
  writer.commit(batchOf({ runs: [runOf("r", "mine", [1])] }));
  expect(reader.room("r")).toMatchObject({ epoch: "mine", head: 1, floor: 1 });
  expect(outline(reader.read("r", 0, 9, NO_LIMITS))).toEqual(["1"]);
  reader.close();
  writer.close();
});

test("generation grows by each unclean start only", () => {
  written("fsync", "boot-1", true);
  let writer = open("fsync", "boot-1");
  expect([writer.generation, writer.unclean]).toEqual([0, false]);
  writer = open("fsync", "boot-1");
  expect([writer.generation, writer.unclean]).toEqual([1, true]);
  writer = open("fsync", "boot-1");
  expect([writer.generation, writer.unclean]).toEqual([2, true]);
  writer.close();
  writer = open("fsync", "boot-1");
  expect([writer.generation, writer.unclean]).toEqual([2, false]);
  writer.close();
});

test("a writer that was superseded can neither write nor mark a clean stop", () => {
  const old = open("os", "boot-1");
  const writer = open("os", "boot-1");
  expect(() => old.commit(batchOf({ runs: [runOf("r", "e1", [1])] }))).toThrow(/taken over/);
  old.close();
  const third = open("os", "boot-1");
  expect(third.generation).toBe(writer.generation + 1);
  third.close();
});

test("an offset used twice is our own mistake, and nothing of the commit stays", () => {
  written("os", "boot-1", false);
  const writer = open("os", "boot-1");
  const reader = openReader({ dir });
  const bad = [runOf("t", "e1", [1]), runOf("r", "e1", [503])];
  expect(() => writer.commit(batchOf({ runs: bad }))).toThrow(/used twice/);
  expect(reader.list("", 10)).toEqual(["r", "s"]);
  writer.commit(batchOf({ runs: [runOf("t", "e1", [1]), runOf("r", "e1", [504])] }));
  expect(reader.room("r")?.head).toBe(504);
  reader.close();
  writer.close();
});
