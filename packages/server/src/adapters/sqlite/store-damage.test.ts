import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "@danmakud/core/ports";
import { batchOf, NO_LIMITS, outline, runOf, span } from "../../../../core/src/ports/room-log.fixture.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { openReader } from "./store-reader.ts";
import { openWriter } from "./store-writer.ts";
import { errorKind, temporaryFolder, writerOptions } from "./testing.ts";

const ROOMS = 10;
let dir: string;
let path: string;
const open = (): void => openWriter(writerOptions({ dir })).close();

beforeEach(() => {
  dir = temporaryFolder();
  path = join(dir, "danmakud.db");
  const writer = openWriter(writerOptions({ dir }));
  for (let commits = 0; commits < 5; commits++) {
    const offsets = span(commits * 50 + 1, commits * 50 + 50);
    const runs = span(1, ROOMS).map((room) => runOf(`r${room}`, "e1", offsets));
    const keys = offsets.map((offset) => ({ room: "r1", uid: "u", key: `k${offset}`, offset, ts: 1 }));
    writer.commit(batchOf({ runs, keys }));
  }
  writer.close();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Overwrites bytes in the file. */
function overwrite(at: number, bytes: Uint8Array): void {
  const file = readFileSync(path);
  file.set(bytes, at);
  writeFileSync(path, file);
}

test("garbage in place of the header", () => {
  overwrite(0, crypto.getRandomValues(new Uint8Array(4096)));
  expect(errorKind(open)).toBe("damaged");
  expect(open).toThrow(/damaged or not a log of danmakud.*restore it from a backup/);
  expect(errorKind(() => openReader({ dir }).close())).toBe("damaged");
});

test("a file that is no database, or another database", () => {
  writeFileSync(path, "hello".repeat(1000));
  expect(errorKind(open)).toBe("damaged");
  rmSync(path);
  const other = new Database(path);
  other.run("CREATE TABLE meta (x)");
  other.close();
  const before = readFileSync(path);
  expect(errorKind(open)).toBe("damaged");
  expect(Buffer.compare(before, readFileSync(path))).toBe(0);
});

test("a file that was cut off, anywhere", () => {
  const { size } = statSync(path);
  for (const left of [size - 4096, Math.floor(size / 8192) * 4096, 4096, 1000, 100]) {
    truncateSync(path, left);
    expect([left, errorKind(open)]).toEqual([left, "damaged"]);
  }
});

test("a file of a newer version is refused and left as it is", () => {
  const db = new Database(path);
  db.run(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  db.run("PRAGMA journal_mode = DELETE");
  db.close();
  const before = readFileSync(path);
  expect(errorKind(open)).toBe("newer_version");
  expect(open).toThrow(`newer danmakud (format ${SCHEMA_VERSION + 1}, this one knows ${SCHEMA_VERSION})`);
  expect(Buffer.compare(before, readFileSync(path))).toBe(0);
});

test("a reader without a log gets a clear error", () => {
  expect(errorKind(() => openReader({ dir: join(dir, "nowhere") }))).not.toBe("none");
});

test("garbage in any page is found when the log is opened, or else where it is read; nothing wrong is ever read", () => {
  const expected = span(1, 250).map(String);
  const keysExpected = span(1, 250).map((offset) => ({ uid: "u", key: `k${offset}`, offset, ts: 1 }));
  const pristine = readFileSync(path);
  let foundOpening = 0;
  let foundReading = 0;
  for (let page = 1; page < pristine.length / 4096; page++) {
    const file = Buffer.from(pristine);
    // Deterministic garbage at a place that differs from page to page.
    const at = page * 4096 + ((page * 997) % 4000);
    for (let i = 0; i < 96; i++) file[at + i] = (page * 31 + i * 17 + 5) & 255;
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    writeFileSync(path, file);

    // Without the check at the opening, as in a log that is too large for it.
    try {
      const reader = openReader({ dir });
      try {
        for (const room of span(1, ROOMS)) {
          if (reader.room(`r${room}`) === undefined) throw new StoreError("damaged", "room is gone");
          expect(outline(reader.read(`r${room}`, 0, 250, NO_LIMITS))).toEqual(expected);
        }
        expect(reader.keys("r1", 0, 1000)).toEqual(keysExpected);
      } finally {
        reader.close();
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      expect(error.kind).toBe("damaged");
      foundReading++;
    }
    const kind = errorKind(open);
    expect(kind).toBeOneOf(["none", "damaged"]);
    if (kind === "damaged") foundOpening++;
  }
  expect(foundReading).toBeGreaterThan(10);
  expect(foundOpening).toBeGreaterThan(0);
});
