import { expect, test } from "bun:test";
import fc from "fast-check";
import { DanmakuError, parseServerText } from "./index.ts";
import { serverRecords } from "./records.fixture.ts";

test("records come back as they were sent", () => {
  fc.assert(
    fc.property(fc.array(serverRecords, { maxLength: 5 }), (records) => {
      expect(parseServerText(JSON.stringify(records))).toEqual(records);
    }),
  );
});

test("fields that a later server adds pass", () => {
  const record = { type: "stats", online: 3, watching: 2 };
  expect(parseServerText(JSON.stringify([record]))).toEqual([record as never]);
});

test("everything else is invalid_message", () => {
  const frames = [
    "",
    "{}",
    "[1]",
    "[null]",
    '[{"type":"toString"}]',
    '[{"type":"stats"}]',
    '[{"type":"stats","online":-1}]',
    '[{"type":"ping","id":1}]',
    '[{"type":"gap","from":2,"to":1,"reason":"lost"}]',
    '[{"type":"gap","from":1,"to":1,"reason":"bored"}]',
    '[{"type":"delete","offset":1,"ts":1}]',
    '[{"type":"delete","offset":1,"ts":1,"of":0,"ofUid":"u"}]',
    '[{"type":"ack","id":1,"offset":281474976710656}]',
    '[{"type":"error","code":"odd","message":""}]',
  ];
  for (const frame of frames) expect(() => parseServerText(frame), frame).toThrow(DanmakuError);
});
