/** Part of the contract of a room log: idempotency keys. */
import { expect, test } from "bun:test";
import { type LogInUse, runOf, span } from "../room-log.fixture.ts";
import type { AppendKey } from "../room-log.ts";

export function keysContract(log: LogInUse): void {
  const { commit } = log;

  test("keys are stored with their danmaku, and limited by time and number", () => {
    const key = (room: string, offset: number, ts: number): AppendKey => {
      return { room, uid: `u${offset}`, key: `キー-${offset}`, offset, ts };
    };
    const stored = (offset: number, ts: number) => ({
      uid: `u${offset}`,
      key: `キー-${offset}`,
      offset,
      ts,
    });
    commit({
      runs: [runOf("r", "e", span(1, 600), 1000)],
      keys: span(1, 600).map((o) => key("r", o, 400 + o)),
    });
    commit({
      runs: [runOf("r", "e", [601], 2000), runOf("s", "e", [1], 2000)],
      keys: [key("s", 1, 2000), key("r", 601, 2000)],
    });
    expect([...log.reader.keys("s", 0, 10)]).toEqual([stored(1, 2000)]);
    expect([...log.reader.keys("r", 0, 3)]).toEqual([stored(599, 999), stored(600, 1000), stored(601, 2000)]);
    expect([...log.reader.keys("r", 1000, 1000)]).toEqual([stored(600, 1000), stored(601, 2000)]);
    expect([...log.reader.keys("r", 0, 10_000)].map((k) => k.offset)).toEqual(span(1, 601));
    expect([...log.reader.keys("r", 2001, 10)]).toEqual([]);
  });

  test("expired keys go, the others stay", () => {
    for (let commits = 0; commits < 20; commits++) {
      const offsets = span(commits * 100 + 1, commits * 100 + 100);
      const ts = 1000 + commits;
      const keys = offsets.map((offset) => ({ room: "r", uid: "u", key: `${offset}`, offset, ts }));
      commit({ runs: [runOf("r", "e", offsets, ts)], keys });
    }
    log.writer.expireKeys(1010, 1_000_000);
    expect([...log.reader.keys("r", 0, 1_000_000)].map((k) => k.offset)).toEqual(span(1001, 2000));
    const keys = [{ room: "r", uid: "u", key: "newest", offset: 2001, ts: 2000 }];
    commit({ runs: [runOf("r", "e", [2001], 2000)], keys });
    log.writer.expireKeys(0, 300);
    const left = [...log.reader.keys("r", 0, 1_000_000)].map((k) => k.offset);
    expect(left.length).toBeGreaterThanOrEqual(300);
    expect(left.length).toBeLessThan(1000);
    expect(left).toEqual(span(2002 - left.length, 2001));
  });
}
