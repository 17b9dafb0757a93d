/** Reads an archive's files and checks what it promises. */
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ArchiveLine {
  readonly room: string;
  readonly epoch: string;
  readonly offset: number;
  readonly type: string;
  readonly uid: string;
  readonly content: string;
}

/** Lines of all files, by file. Every line has to be whole. */
export function readArchive(folder: string): ReadonlyMap<string, readonly ArchiveLine[]> {
  const files = new Map<string, ArchiveLine[]>();
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".jsonl")) continue;
    const text = readFileSync(join(folder, name), "utf8");
    expect(text === "" || text.endsWith("\n")).toBe(true);
    files.set(
      name,
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as ArchiveLine),
    );
  }
  return files;
}

/** Everything written is there at least once, and nothing else; within a file each room's first times are in order. */
export function checkArchive(
  folder: string,
  written: ReadonlyMap<string, readonly number[]>,
): { repeats: number } {
  const seen = new Map<string, Set<number>>();
  let repeats = 0;
  for (const [file, lines] of readArchive(folder)) {
    const last = new Map<string, number>();
    const here = new Map<string, Set<number>>();
    for (const { room, offset } of lines) {
      const inFile = here.get(room) ?? new Set();
      here.set(room, inFile);
      if (!inFile.has(offset)) {
        expect(
          `${file} ${room}: ${offset > (last.get(room) ?? 0) ? "in order" : `${offset} after ${last.get(room)}`}`,
        ).toBe(`${file} ${room}: in order`);
        last.set(room, offset);
      }
      inFile.add(offset);
      const all = seen.get(room) ?? new Set();
      seen.set(room, all);
      if (all.has(offset)) repeats++;
      all.add(offset);
    }
  }
  for (const [room, offsets] of written) {
    const missing = offsets.filter((offset) => !seen.get(room)?.has(offset));
    expect({ room, missing }).toEqual({ room, missing: [] });
    expect(seen.get(room)?.size).toBe(offsets.length);
  }
  return { repeats };
}
