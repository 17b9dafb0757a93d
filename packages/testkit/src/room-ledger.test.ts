import { expect, test } from "bun:test";
import type { DanmakuRecord } from "@danmakud/wire";
import { RoomLedger } from "./room-ledger.ts";

function danmaku(offset: number, content: string): DanmakuRecord {
  return {
    type: "danmaku",
    offset,
    ts: 1,
    uid: "u",
    content,
    mode: "scroll",
    color: "#ffffff",
    size: 25,
    class: "normal",
  };
}

test("the same danmaku seen by many is one", () => {
  const ledger = new RoomLedger();
  for (let viewer = 0; viewer < 3; viewer++) ledger.observe("e1", danmaku(1, "a"));
  ledger.observe("e1", danmaku(2, "a"));
  ledger.observe("e2", danmaku(1, "b"));
  expect(ledger.conflicts).toEqual([]);
  expect(ledger.size).toBe(3);
  expect(ledger.epochs).toEqual(["e1", "e2"]);
});

test("an offset that names two danmaku of an epoch is a conflict", () => {
  const ledger = new RoomLedger();
  ledger.observe("e1", danmaku(1, "a"));
  ledger.observe("e1", danmaku(1, "b"));
  expect(ledger.conflicts).toHaveLength(1);
});
