import { expect, test } from "bun:test";
import { type QueuedEntry, queueEntry } from "./queued-entry.ts";

const FIELDS = [
  "timestamp",
  "1700",
  "uid",
  "u1",
  "content",
  "666",
  "mode",
  "top",
  "color",
  "#ff0000",
  "size",
  "30",
];
const entryOf = (fields: readonly string[], id = "7-0"): QueuedEntry["entry"] =>
  queueEntry("r", "e1", id, fields, 0).entry;

test("a danmaku as a node writes it", () => {
  const base = {
    room: "r",
    epoch: "e1",
    offset: 7,
    type: "danmaku",
    ts: 1700,
    uid: "u1",
    content: "666",
  } as const;
  const style = { mode: "top", color: "#ff0000", size: 30, class: "paid" } as const;
  const fields = [...FIELDS, "class", "paid"];
  expect(entryOf(fields)).toEqual({ ...base, ...style });
  expect(entryOf([...fields, "name", "Ann", "attrs", '{"a":[1]}', "sampled", "1"])).toEqual({
    ...base,
    ...style,
    name: "Ann",
    attrs: { a: [1] },
    sampled: true,
  });
});

test("deletes, of one and of all of a user", () => {
  const base = { room: "r", epoch: "e1", offset: 9, type: "delete", ts: 5 } as const;
  expect(entryOf(["timestamp", "5", "type", "delete", "of", "3"], "9-0")).toEqual({ ...base, of: 3 });
  expect(entryOf(["timestamp", "5", "type", "delete", "ofUid", "u"], "9-0")).toEqual({ ...base, ofUid: "u" });
});

test("the first entry of an epoch names it, and belongs to it", () => {
  const queued = queueEntry("r", "old", "8-0", [...FIELDS, "epoch", "new"], 0);
  expect(queued.newEpoch).toBe("new");
  expect(queued.entry).toMatchObject({ epoch: "new", offset: 8 });
  expect(queueEntry("r", "old", "8-0", FIELDS, 0).newEpoch).toBeUndefined();
});

test("what no node wrote is told by a reason, whatever it is", () => {
  expect(entryOf(FIELDS, "7-1")).toBe("its id is not <offset>-0");
  expect(entryOf([])).toBe("it has no timestamp");
  expect(entryOf(["timestamp", "soon", "uid", "u", "content", "c"])).toBe("it has no timestamp");
  expect(entryOf(["timestamp", "5", "uid", "u"])).toBe("it has no uid or no content");
  expect(entryOf(["timestamp", "5", "type", "delete"])).toBe("a delete of nothing");
  expect(entryOf(["timestamp", "5", "type", "x".repeat(99)])).toBe(`its type is ${"x".repeat(40)}`);
  expect(entryOf([...FIELDS, "attrs", "{broken"])).toMatchObject({ attrs: "{broken" });
  expect(entryOf([...FIELDS, "odd"])).toMatchObject({ content: "666" });
});
