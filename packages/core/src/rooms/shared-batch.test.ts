import { describe, expect, test } from "bun:test";
import { encodeDanmaku } from "@danmakud/wire";
import { PendingBatch, takenOf } from "./shared-batch.ts";

function add(batch: PendingBatch, content: string, isBound: boolean, identity = ""): void {
  const bytes = new Uint8Array(256);
  const end = encodeDanmaku(bytes, 0, { uid: "u", content, mode: 0, color: 0, size: 25, class: 0 });
  const words = new Int32Array(bytes.buffer, 0, end >> 2);
  batch.add(words, 0, words.byteLength, 1, 0, 100 + batch.count, identity, isBound);
}

function batchOf(...bound: readonly boolean[]): PendingBatch {
  const batch = new PendingBatch(0);
  for (const [n, isBound] of bound.entries()) add(batch, `n${n}`, isBound);
  return batch;
}

const boundIn = (batch: PendingBatch) => batch.toSend("e", 0, undefined).isBound;

describe("whom slow mode binds of a batch", () => {
  test("is said in a word where all are alike, and of each where they are not", () => {
    expect(boundIn(batchOf())).toBe(false);
    expect(boundIn(batchOf(true, true, true))).toBe(true);
    expect(boundIn(batchOf(false, false))).toBe(false);
    expect(boundIn(batchOf(true, true, false, true))).toEqual([true, true, false, true]);
    expect(boundIn(batchOf(false, true, true))).toEqual([false, true, true]);
  });

  test("goes with a record that moves into another", () => {
    const [from, into] = [batchOf(true, false), batchOf(true)];
    for (const index of [0, 1]) into.addFrom(from, index);
    expect(boundIn(into)).toEqual([true, true, false]);
    const alike = batchOf();
    alike.addFrom(batchOf(true), 0);
    expect(boundIn(alike)).toBe(true);
  });
});

test("only what is in the log takes an offset", () => {
  expect(takenOf({ outcomes: "", count: 7 })).toBe(7);
  expect(takenOf({ outcomes: "tsrwltl", count: 7 })).toBe(3);
});
