/** Part of the contract of a room log: what was written, whatever happens between. */
import { expect, test } from "bun:test";
import { decodeRecords } from "@danmakud/wire";
import fc from "fast-check";
import { type LogInUse, RETAIN, runOf, span } from "../room-log.fixture.ts";
import type { LocalRoomLogReader } from "../room-log.ts";

export function anythingContract(log: LogInUse): void {
  const { commit } = log;

  test("what is read back is what was written, over any commits, crashes and page limits", async () => {
    const step = fc.record({
      room: fc.constantFrom("a", "b"),
      size: fc.integer({ min: 1, max: 300 }),
      hole: fc.integer({ min: 0, max: 3 }),
      stop: fc.constantFrom("no" as const, "no" as const, "no" as const, "clean" as const, "crash" as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 20_000 }),
        async (steps, recordsMax, bytesMax) => {
          await log.renew();
          const model = new Map<string, number[]>();
          for (const { room, size, hole, stop } of steps) {
            const from = (log.reader.room(room)?.head ?? 0) + 1 + hole;
            const offsets = model.get(room) ?? [];
            model.set(room, offsets);
            const added = span(from, from + size - 1);
            commit({ runs: [runOf(room, "e", added)] });
            offsets.push(...added);
            if (stop !== "no") await log.restart(stop);
          }
          for (const [room, offsets] of model)
            checkAgainst(log.reader, room, offsets, { recordsMax, bytesMax });
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
}

/** Reads a whole room page by page: every offset exactly once, by a record or a gap of the right reason. */
function checkAgainst(
  reader: LocalRoomLogReader,
  room: string,
  offsets: readonly number[],
  limits: { readonly recordsMax: number; readonly bytesMax: number },
): void {
  const stored = reader.room(room);
  if (stored === undefined) throw new Error(`room ${room} is gone`);
  const kept = offsets.filter((offset) => offset >= stored.floor);
  expect(kept.length).toBeGreaterThanOrEqual(Math.min(offsets.length, RETAIN));
  expect(kept.length).toBeLessThanOrEqual(RETAIN * 1.1);
  const seen: number[] = [];
  let next = 0;
  while (next < stored.head) {
    const page = reader.read(room, next, stored.head, limits);
    let count = 0;
    for (const record of decodeRecords(page.bytes)) {
      if (record.type === "gap") {
        expect(record.from).toBe(next + 1);
        expect(record.reason).toBe(record.to < stored.floor ? "trimmed" : "lost");
        next = record.to;
      } else if (record.type === "danmaku") {
        expect(record.offset).toBe(next + 1);
        seen.push(record.offset);
        next = record.offset;
        count++;
      }
    }
    expect(page.next).toBe(next);
    expect(page.count).toBe(count);
    expect(page.bytes.length > 0).toBe(true);
  }
  expect(seen).toEqual(kept);
  for (const records of [1, 5, 250, kept.length]) {
    const position = reader.positionOfLast(room, records, stored.head);
    expect(kept.filter((offset) => offset > position).length).toBe(Math.min(records, kept.length));
  }
}
