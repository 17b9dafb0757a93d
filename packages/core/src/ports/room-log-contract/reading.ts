/** Part of the contract of a room log: pages, positions and lists. */
import { expect, test } from "bun:test";
import { deleteRunOf, type LogInUse, NO_LIMITS, outline, runOf, span } from "../room-log.fixture.ts";

export function readingContract(log: LogInUse): void {
  const { all, commit } = log;

  test("a room without records is not there", () => {
    expect(log.reader.room("r")).toBeUndefined();
    expect(log.reader.settings("r")).toBe("");
    expect(log.reader.count()).toBe(0);
    expect(log.reader.list("", 10)).toEqual([]);
    expect(log.reader.positionOfLast("r", 10, 7)).toBe(7);
    expect([...log.reader.keys("r", 0, 10)]).toEqual([]);
    const page = log.reader.read("r", 3, 9, NO_LIMITS);
    expect({ size: page.bytes.length, next: page.next, count: page.count }).toEqual({
      size: 0,
      next: 3,
      count: 0,
    });
  });

  test("what was committed is read back, byte by byte", () => {
    const run = runOf("r", "e1", span(1, 300), 5000);
    commit({ runs: [run] });
    expect(log.reader.room("r")).toEqual({ epoch: "e1", head: 300, ts: 5000, floor: 1 });
    const page = log.reader.read("r", 0, 300, NO_LIMITS);
    expect(page.count).toBe(300);
    expect(page.next).toBe(300);
    expect(Buffer.compare(page.bytes, run.bytes)).toBe(0);
  });

  test("records may lie in shared memory", () => {
    const run = runOf("r", "e1", span(1, 5));
    const shared = new Uint8Array(new SharedArrayBuffer(run.bytes.length + 8));
    shared.set(run.bytes, 4);
    commit({ runs: [{ ...run, bytes: shared.subarray(4, 4 + run.bytes.length) }] });
    shared.fill(0);
    expect(all("r")).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("several runs of several rooms in one commit, mixed", () => {
    commit({
      runs: [
        runOf("a", "ea", span(1, 2)),
        runOf("b", "eb", [1]),
        runOf("a", "ea", [3]),
        deleteRunOf("b", "eb", 2, 1),
        runOf("a", "ea", span(4, 700)),
      ],
    });
    expect(all("a")).toEqual(span(1, 700).map(String));
    expect(all("b")).toEqual(["1", "2 delete"]);
    expect(log.reader.count()).toBe(2);
  });

  test("holes between records come as gaps, also at both ends of a page", () => {
    commit({ runs: [runOf("r", "e1", [1, 2, 5, 6])] });
    commit({ runs: [runOf("r", "e1", [10])] });
    expect(all("r")).toEqual(["1", "2", "3-4 lost", "5", "6", "7-9 lost", "10"]);
    expect(outline(log.reader.read("r", 3, 8, NO_LIMITS))).toEqual(["4-4 lost", "5", "6", "7-8 lost"]);
    expect(outline(log.reader.read("r", 6, 8, NO_LIMITS))).toEqual(["7-8 lost"]);
  });

  test("what is not in the log yet is not announced as lost", () => {
    commit({ runs: [runOf("r", "e1", [1, 2])] });
    const page = log.reader.read("r", 1, 5, NO_LIMITS);
    expect(outline(page)).toEqual(["2"]);
    expect(page.next).toBe(2);
    expect(log.reader.read("r", 2, 5, NO_LIMITS).next).toBe(2);
  });

  test("a page keeps its limits and gets on even where they are too small", () => {
    commit({ runs: [runOf("r", "e1", [...span(1, 20), ...span(30, 40)])] });
    const seen: string[] = [];
    let after = 0;
    while (after < 40) {
      const page = log.reader.read("r", after, 40, { recordsMax: 7, bytesMax: 200 });
      expect(page.count).toBeLessThanOrEqual(7);
      expect(page.bytes.length).toBeLessThanOrEqual(200);
      expect(page.next).toBeGreaterThan(after);
      after = page.next;
      seen.push(...outline(page));
    }
    expect(seen).toEqual([...span(1, 20).map(String), "21-29 lost", ...span(30, 40).map(String)]);
    expect(log.reader.read("r", 0, 40, { recordsMax: 0, bytesMax: 0 }).next).toBe(1);
  });

  test("position of the last records", () => {
    commit({ runs: [runOf("r", "e1", span(1, 600))] });
    for (const offset of [601, 602, 603]) commit({ runs: [runOf("r", "e1", [offset])] });
    commit({ runs: [runOf("r", "e1", [700, 701])] });
    const position = (records: number, through: number) => log.reader.positionOfLast("r", records, through);
    expect(position(0, 701)).toBe(701);
    expect(position(1, 701)).toBe(700);
    expect(position(2, 701)).toBe(699);
    expect(position(3, 701)).toBe(602);
    expect(position(2, 650)).toBe(601);
    expect(position(300, 600)).toBe(300);
    expect(position(10, 45)).toBe(35);
    expect(position(1_000_000, 701)).toBe(0);
  });

  test("rooms are listed in alphabetical order and by age", () => {
    const hour = 3_600_000;
    commit({ runs: ["b", "A", "c", "_"].map((room, i) => runOf(room, "e", [1], 1000 * hour + i * hour)) });
    expect(log.reader.list("", 10)).toEqual(["A", "_", "b", "c"]);
    expect(log.reader.list("A", 2)).toEqual(["_", "b"]);
    expect(log.reader.untouchedSince(1000 * hour, 10)).toEqual([]);
    expect([...log.reader.untouchedSince(1002 * hour, 10)].sort()).toEqual(["A", "b"]);
    expect(log.reader.untouchedSince(2000 * hour, 3).length).toBe(3);
    commit({ runs: [runOf("b", "e", [2], 2001 * hour)] });
    expect([...log.reader.untouchedSince(1002 * hour, 10)]).toEqual(["A"]);
  });
}
