import { describe, expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { encodeDeflate, encodeRecord, type ServerRecord } from "@danmakud/wire";
import { countJson, countTlv, isJsonHello, isTlvHello, unpackJson, unpackTlv } from "./danmakud-frames.ts";

const style = { mode: "scroll", color: "#ffffff", size: 25, class: "normal" } as const;
const danmaku = (offset: number, content: string): ServerRecord => ({
  type: "danmaku",
  offset,
  ts: 1,
  uid: "u",
  content,
  ...style,
});
const RECORDS: readonly ServerRecord[] = [
  danmaku(1, 'one {"type":"danmaku"'),
  { type: "gap", from: 2, to: 6, reason: "slow_consumer" },
  danmaku(7, 'two [{"type":"gap","from":1,"to":9}'),
];
const HELLO: ServerRecord = {
  type: "hello",
  room: "r",
  epoch: "e",
  head: 0,
  resumed: false,
  uid: "u",
  serverTime: 1,
};

function tlv(records: readonly ServerRecord[]): Uint8Array {
  const bytes = new Uint8Array(4096);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  return bytes.slice(0, end);
}

function json(records: readonly ServerRecord[]): Uint8Array {
  return Buffer.from(JSON.stringify(records));
}

function packed(records: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4096);
  return bytes.slice(0, encodeDeflate(bytes, 0, deflateRawSync(records)));
}

describe("records and announced holes are counted", () => {
  const messages: [string, Uint8Array][] = [
    ["TLV", tlv(RECORDS)],
    ["compressed TLV", unpackTlv(packed(tlv(RECORDS)))],
    ["TLV that is compressed in part", unpackTlv(Buffer.concat([tlv([HELLO]), packed(tlv(RECORDS))]))],
  ];
  test.each(messages)("in %s", (_, message) => {
    const tally = { records: 0, skipped: 0 };
    countTlv(message, tally);
    expect(tally).toEqual({ records: 2, skipped: 5 });
  });

  const texts: [string, Uint8Array][] = [
    ["JSON", unpackJson(json(RECORDS))],
    ["compressed JSON", unpackJson(deflateRawSync(json(RECORDS)))],
    ["JSON compressed by fixed codes", unpackJson(deflateRawSync(json(RECORDS), { strategy: 4 }))],
    ["JSON stored", unpackJson(deflateRawSync(json(RECORDS), { level: 0 }))],
  ];
  test.each(texts)("in %s, whatever the texts say", (_, message) => {
    const tally = { records: 0, skipped: 0 };
    countJson(message, tally);
    expect(tally).toEqual({ records: 2, skipped: 5 });
  });
});

test("a hello is told from the rest", () => {
  expect([isTlvHello(tlv([HELLO])), isTlvHello(tlv(RECORDS))]).toEqual([true, false]);
  expect([isJsonHello(json([HELLO])), isJsonHello(json(RECORDS))]).toEqual([true, false]);
});
