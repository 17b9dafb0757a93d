import { afterEach, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LocalRoomLogReader } from "@danmakud/core/ports";
import { batchOf, NO_LIMITS, outline, runOf, span } from "../../../../core/src/ports/room-log.fixture.ts";
import { lockFolder } from "./store-lock.ts";
import { openReader } from "./store-reader.ts";
import { openWriter, type StoreWriter } from "./store-writer.ts";
import { canMount, errorKind, type SmallDisk, smallDisk, temporaryFolder, writerOptions } from "./testing.ts";

const mountable = canMount();
let disk: SmallDisk | undefined;
afterEach(() => {
  disk?.dispose();
  disk = undefined;
});

/** Commits 100 records a time to room r until the log is full; returns the last offset that is stored. */
function fill(writer: StoreWriter, from: number): number {
  for (let head = from; ; head += 100) {
    const offsets = span(head + 1, head + 100);
    const keys = offsets.map((offset) => ({ room: "r", uid: "u", key: `k${offset}`, offset, ts: 1 }));
    const kind = errorKind(() => writer.commit(batchOf({ runs: [runOf("r", "e1", offsets)], keys })));
    if (kind === "full") return head;
    expect(kind).toBe("none");
  }
}

function expectWhole(reader: LocalRoomLogReader, head: number): void {
  expect(reader.room("r")).toMatchObject({ epoch: "e1", head, floor: 1 });
  expect(outline(reader.read("r", 0, head, NO_LIMITS))).toEqual(span(1, head).map(String));
  expect([...reader.keys("r", 0, 1_000_000)].map((key) => key.offset)).toEqual(span(1, head));
}

test("a log at its largest size is full, and goes on when it may grow", () => {
  const dir = temporaryFolder();
  const options = writerOptions({ dir, retain: 1_000_000, durability: "none" });
  let writer = openWriter({ ...options, pagesMax: 60 });
  const reader = openReader({ dir });
  const head = fill(writer, 0);
  expect(head).toBeGreaterThan(0);
  expectWhole(reader, head);
  expect(fill(writer, head)).toBe(head);
  writer.close();
  writer = openWriter(options);
  writer.commit(batchOf({ runs: [runOf("r", "e1", span(head + 1, head + 500))] }));
  expect(reader.room("r")?.head).toBe(head + 500);
  reader.close();
  writer.close();
  rmSync(dir, { recursive: true, force: true });
});

test.skipIf(!mountable)("a full disk fails commits whole, and they succeed when there is space again", () => {
  disk = smallDisk(8 << 20);
  if (disk === undefined) throw new Error("no disk");
  const { dir } = disk;
  const ballast = join(dir, "ballast");
  writeFileSync(ballast, new Uint8Array(5 << 20));
  const writer = openWriter(writerOptions({ dir, retain: 1_000_000, durability: "fsync" }));
  const reader = openReader({ dir });
  let head = fill(writer, 0);
  expect(head).toBeGreaterThan(0);
  for (let tries = 0; tries < 3; tries++) expect(fill(writer, head)).toBe(head);
  expectWhole(reader, head);
  expect(errorKind(() => writer.expireKeys(0, 1_000_000))).toBeOneOf(["none", "full"]);

  rmSync(ballast);
  for (let commits = 0; commits < 5; commits++, head += 100) {
    const offsets = span(head + 1, head + 100);
    const keys = offsets.map((offset) => ({ room: "r", uid: "u", key: `k${offset}`, offset, ts: 1 }));
    writer.commit(batchOf({ runs: [runOf("r", "e1", offsets)], keys }));
  }
  expectWhole(reader, head);
  reader.close();
  writer.close();
});

test.skipIf(!mountable)(
  "a node starts on a full disk with one clear error, and afterwards as if nothing had been",
  () => {
    disk = smallDisk(2 << 20);
    if (disk === undefined) throw new Error("no disk");
    const { dir } = disk;
    const options = writerOptions({ dir, retain: 1_000_000 });
    let writer = openWriter(options);
    writer.commit(batchOf({ runs: [runOf("r", "e1", span(1, 100))] }));
    writer.close();
    const ballast = join(dir, "ballast");
    for (let size = 2 << 20; size >= 1; size = Math.floor(size / 2)) {
      try {
        writeFileSync(`${ballast}-${size}`, new Uint8Array(size));
      } catch {
        // That much does not fit any more; half of it may.
      }
    }
    expect(errorKind(() => openWriter(options).close())).toBe("full");
    expect(() => openWriter(options)).toThrow(/No space is left.*Free some/);
    for (let size = 2 << 20; size >= 1; size = Math.floor(size / 2))
      rmSync(`${ballast}-${size}`, { force: true });
    writer = openWriter(options);
    expect(writer.unclean).toBe(false);
    const reader = openReader({ dir });
    expect(reader.room("r")?.head).toBe(100);
    reader.close();
    writer.close();
  },
);

test.skipIf(!mountable)("a read-only folder gives one clear error to each part", () => {
  disk = smallDisk(4 << 20);
  if (disk === undefined) throw new Error("no disk");
  const { dir } = disk;
  disk.setReadOnly(true);
  expect(errorKind(() => lockFolder(dir))).toBe("read_only");
  expect(errorKind(() => lockFolder(join(dir, "below")))).toBe("read_only");
  expect(errorKind(() => openWriter(writerOptions({ dir })))).toBe("read_only");
  disk.setReadOnly(false);
  const writer = openWriter(writerOptions({ dir }));
  writer.commit(batchOf({ runs: [runOf("r", "e1", [1])] }));
  writer.close();
  disk.setReadOnly(true);
  expect(errorKind(() => lockFolder(dir))).toBe("read_only");
  expect(errorKind(() => openWriter(writerOptions({ dir })))).toBe("read_only");
  expect(() => openWriter(writerOptions({ dir }))).toThrow(/cannot be written to.*--data/);
});
