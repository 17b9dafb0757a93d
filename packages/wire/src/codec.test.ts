import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  align4,
  checkRecord,
  DanmakuError,
  danmakuClass,
  danmakuColor,
  danmakuMode,
  danmakuSampled,
  danmakuSize,
  danmakuStride,
  danmakuUid,
  danmakuUidEquals,
  decodeRecord,
  decodeRecords,
  decodeServerRecords,
  deleteOf,
  deleteOfUid,
  encodeClientRecord,
  encodeDanmaku,
  encodeError,
  encodeRecord,
  isLogRecord,
  MODES,
  markSampled,
  parseClientTlv,
  patchLogRecord,
  recordLength,
  recordOffset,
  recordStride,
  recordsToJson,
  recordToJson,
  recordTs,
  type WireRecord,
} from "./index.ts";
import {
  clientRecords,
  danmakus,
  logRecords,
  names,
  serverRecords,
  texts,
  wireRecords,
} from "./records.fixture.ts";

/** Encodes records back to back. */
function encode(records: readonly WireRecord[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64 * 1024);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  return bytes.slice(0, end);
}

/** Runs what must either succeed or fail with a code of the list. */
function coded(code: string | RegExp, run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (!(error instanceof DanmakuError)) throw error;
    expect(error.code).toMatch(code);
    return false;
  }
}

const broken = /^invalid_message$/;

test("round trip: every record comes back as it was", () => {
  fc.assert(
    fc.property(fc.array(wireRecords, { maxLength: 8 }), (records) => {
      expect(decodeRecords(encode(records))).toEqual(records);
    }),
    { numRuns: 2000 },
  );
});

test("the client's half of the codec does the same, and refuses the other half", () => {
  const bytes = new Uint8Array(8192);
  fc.assert(
    fc.property(serverRecords, clientRecords, (fromServer, fromClient) => {
      expect(decodeServerRecords(encode([fromServer, fromServer]))).toEqual([fromServer, fromServer]);
      expect(coded(broken, () => decodeServerRecords(encode([fromServer, fromClient])))).toBe(false);
      const end = encodeClientRecord(fromClient, bytes, 0);
      expect(bytes.slice(0, end)).toEqual(encode([fromClient]));
    }),
    { numRuns: 500 },
  );
  const ping = { type: "ping", id: -1 } as const;
  expect(coded(broken, () => encodeClientRecord(ping, bytes, 0))).toBe(false);
});

test("the JSON text of a record is that of the decoded record, letter for letter", () => {
  fc.assert(
    fc.property(fc.array(serverRecords, { maxLength: 8 }), (records) => {
      const bytes = encode(records);
      expect(recordsToJson(bytes, 0, bytes.length)).toBe(JSON.stringify(records));
      let at = 0;
      for (const record of records) {
        expect(recordToJson(bytes, at)).toBe(JSON.stringify(record));
        at += recordStride(bytes, at);
      }
    }),
    { numRuns: 2000 },
  );
});

test("JSON of more records than the scratch buffer holds", () => {
  const content = '"\\'.repeat(400);
  const records: WireRecord[] = [];
  for (let offset = 1; offset <= 500; offset++) {
    records.push({
      type: "danmaku",
      offset,
      ts: offset,
      uid: "u",
      content: `${content}前${offset}`,
      mode: "scroll",
      color: "#ffffff",
      size: 25,
      class: "normal",
    });
  }
  const bytes = new Uint8Array(1024 * 1024);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  expect(recordsToJson(bytes, 0, end)).toBe(JSON.stringify(records));
  expect(recordsToJson(bytes, 8, 8)).toBe("[]");
  expect(() => recordsToJson(bytes, 0, end - 4)).toThrow(DanmakuError);
  expect(() => recordsToJson(bytes, end, end + 4)).toThrow(DanmakuError);
});

test("flat fields agree with the decoded record", () => {
  fc.assert(
    fc.property(logRecords, names, (record, other) => {
      const bytes = encode([record, record]);
      const at = recordStride(bytes, 0);
      expect(checkRecord(bytes, at, bytes.length)).toBe(at);
      expect(at).toBe(align4(recordLength(bytes, at)));
      expect(isLogRecord(bytes, at)).toBe(true);
      expect(recordOffset(bytes, at)).toBe(record.offset);
      expect(recordTs(bytes, at)).toBe(record.ts);
      patchLogRecord(bytes, at, 2 ** 48 - 2, 2 ** 47 + 5);
      expect(decodeRecord(bytes, at)).toEqual({ ...record, offset: 2 ** 48 - 2, ts: 2 ** 47 + 5 });
      if (record.type === "delete") {
        expect(deleteOf(bytes, at)).toBe(record.of ?? -1);
        expect(deleteOfUid(bytes, at)).toBe(record.ofUid);
        return;
      }
      expect(MODES[danmakuMode(bytes, at)]).toBe(record.mode);
      expect(danmakuSize(bytes, at)).toBe(record.size);
      expect(danmakuColor(bytes, at)).toBe(Number.parseInt(record.color.slice(1), 16));
      expect(danmakuClass(bytes, at)).toBe(
        ["normal", "member", "moderator", "paid", "system"].indexOf(record.class),
      );
      expect(danmakuUid(bytes, at)).toBe(record.uid);
      expect(danmakuUidEquals(bytes, at, record.uid)).toBe(true);
      expect(danmakuUidEquals(bytes, at, other)).toBe(other === record.uid);
      expect(danmakuSampled(bytes, at)).toBe(false);
      markSampled(bytes, at);
      expect(danmakuSampled(bytes, at)).toBe(true);
      expect(danmakuUid(bytes, at)).toBe(record.uid);
      expect(checkRecord(bytes, at, bytes.length)).toBe(at);
    }),
    { numRuns: 1000 },
  );
});

test("random bytes decode or fail with a code", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      coded(broken, () => decodeRecords(bytes));
      coded(broken, () => checkRecord(bytes, 0, bytes.length));
      coded(broken, () => parseClientTlv(bytes, "service"));
    }),
    { numRuns: 5000 },
  );
});

test("a damaged record decodes or fails with a code, and what decodes can be encoded again to the same bytes", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(wireRecords, damage, (record, changes) => {
      const bytes = encode([record]);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      coded(broken, () => parseClientTlv(bytes, "service"));
      let again: WireRecord[] = [];
      if (
        !coded(broken, () => {
          again = decodeRecords(bytes);
        })
      ) {
        return;
      }
      // Attributes may be spelled in several ways (numbers too large for a double among them, which become null), and the
      // mark of sampling is no part of the object.
      if (again.some((r) => "attrs" in r || r.type === "danmaku"))
        expect(JSON.stringify(decodeRecords(encode(again)))).toBe(JSON.stringify(again));
      else expect(encode(again)).toEqual(bytes);
      for (const r of again) if (r.type === "danmaku") coded(broken, () => recordToJson(bytes, 0));
    }),
    { numRuns: 5000 },
  );
});

test("a record cut off anywhere fails with a code", () => {
  fc.assert(
    fc.property(wireRecords, fc.nat(), (record, cut) => {
      const bytes = encode([record]);
      const short = bytes.slice(0, cut % bytes.length);
      if (short.length === 0) return;
      expect(coded(broken, () => decodeRecords(short))).toBe(false);
      expect(coded(broken, () => checkRecord(short, 0, short.length))).toBe(false);
      expect(coded(broken, () => parseClientTlv(short, "service"))).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

test("no read outside a record: what lies around it changes nothing", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 4, maxLength: 120 }),
      logRecords,
      fc.boolean(),
      (random, record, damaged) => {
        const inner = damaged ? random : encode([record]);
        const outcomes = [0x00, 0x61, 0xff].map((around) => {
          const bytes = new Uint8Array(inner.length + 400).fill(around);
          bytes.set(inner, 8);
          try {
            return checkRecord(bytes, 8, 8 + inner.length);
          } catch (error) {
            return (error as Error).message;
          }
        });
        expect(new Set(outcomes).size).toBe(1);
      },
    ),
    { numRuns: 3000 },
  );
});

test("checkRecord passes exactly what decodes", () => {
  fc.assert(
    fc.property(logRecords, fc.nat(), fc.nat(255), (record, at, value) => {
      const bytes = encode([record]);
      bytes[at % bytes.length] = value;
      const log = (bytes[2]! & 31) === 2 || (bytes[2]! & 31) === 3;
      const decodes = coded(broken, () => decodeRecord(bytes, 0));
      expect(coded(broken, () => checkRecord(bytes, 0, bytes.length))).toBe(decodes && log);
    }),
    { numRuns: 5000 },
  );
});

test("no write past the end: too_large, and not a byte behind it is touched", () => {
  fc.assert(
    fc.property(wireRecords, fc.nat(), (record, less) => {
      const size = encode([record]).length;
      const room = size - 1 - (less % size);
      const whole = new Uint8Array(size + 16).fill(0xaa);
      const part = whole.subarray(0, room);
      expect(coded(/^too_large$/, () => encodeRecord(record, part, 0))).toBe(false);
      expect(whole.subarray(room).every((byte) => byte === 0xaa)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("encodeDanmaku claims what danmakuStride says and respects `end` in a larger buffer", () => {
  fc.assert(
    fc.property(danmakus, (record) => {
      const d = {
        uid: record.uid,
        content: record.content,
        mode: 0,
        color: 0xabcdef,
        size: record.size,
        class: 0,
        ...(record.name === undefined ? {} : { name: record.name }),
      };
      const stride = danmakuStride(d);
      const bytes = new Uint8Array(4096).fill(0xaa);
      expect(encodeDanmaku(bytes, 8, d, 8 + stride)).toBe(8 + stride);
      expect(bytes[8 + stride]).toBe(0xaa);
      const fromBytes = new Uint8Array(4096).fill(0xaa);
      encodeDanmaku(fromBytes, 8, { ...d, uid: new TextEncoder().encode(record.uid) }, 8 + stride);
      expect(fromBytes).toEqual(bytes);
      const small = new Uint8Array(4096).fill(0xaa);
      expect(coded(/^too_large$/, () => encodeDanmaku(small, 8, d, 8 + stride - 4))).toBe(false);
      expect(small.every((byte) => byte === 0xaa)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("records of shared memory read like any other", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(4096));
  fc.assert(
    fc.property(danmakus, (record) => {
      const end = encodeRecord(record, shared, 0);
      expect(decodeRecord(shared, 0)).toEqual(record);
      expect(checkRecord(shared, 0, end)).toBe(end);
      expect(recordToJson(shared, 0)).toBe(JSON.stringify(record));
    }),
    { numRuns: 300 },
  );
});

test("a publish read as a draft is the publish", () => {
  fc.assert(
    fc.property(clientRecords, (record) => {
      const message = parseClientTlv(encode([record]), "service")[0];
      if (message?.kind === "ping") expect(record).toEqual({ type: "ping", id: message.id });
      if (message?.kind === "publish" && record.type === "publish") {
        expect(message.id).toBe(record.id);
        expect(message.draft.content).toBe(record.content.trim());
        expect(message.draft.key).toBe(record.key as string);
        expect(message.draft.uid).toBe(record.uid as string);
        expect(message.draft.attrs).toBe((record.attrs && JSON.stringify(record.attrs)) as string);
      }
      if (message?.kind === "invalid")
        expect(message.id).toBe(record.type === "publish" ? record.id : undefined);
    }),
    { numRuns: 1000 },
  );
});

test("encodeRecord refuses what is out of range", () => {
  const good = {
    type: "danmaku",
    offset: 1,
    ts: 1,
    uid: "u",
    content: "x",
    mode: "scroll",
    color: "#ffffff",
    size: 25,
    class: "normal",
  } as const;
  const bytes = new Uint8Array(100_000);
  const bad: [string, object][] = [
    ["invalid_message", { offset: 2 ** 48 }],
    ["invalid_message", { offset: 1.5 }],
    ["invalid_message", { ts: -1 }],
    ["invalid_message", { uid: "" }],
    ["invalid_message", { uid: "a".repeat(65) }],
    ["invalid_message", { content: "" }],
    ["invalid_message", { content: "\ud800" }],
    ["invalid_message", { content: "\udc00x" }],
    ["invalid_message", { mode: "sideways" }],
    ["invalid_message", { color: "red" }],
    ["invalid_message", { size: 65 }],
    ["invalid_message", { class: "vip" }],
    ["invalid_message", { attrs: { a: "x".repeat(1024) } }],
    ["too_large", { name: "x".repeat(256) }],
    ["too_large", { content: "x".repeat(65_536) }],
    ["invalid_message", { type: "toString" }],
  ];
  for (const [code, change] of bad) {
    expect(
      coded(new RegExp(`^${code}$`), () => encodeRecord({ ...good, ...change } as WireRecord, bytes, 0)),
    ).toBe(false);
  }
  const longest = "x".repeat(65_535 - 21);
  encodeRecord({ ...good, content: longest }, bytes, 0);
  expect(decodeRecord(bytes, 0)).toEqual({ ...good, content: longest });
});

test("an error that quotes a lone surrogate still goes out", () => {
  const bytes = new Uint8Array(64);
  encodeError(bytes, 0, 0, "bad \ud800", 3);
  expect(decodeRecord(bytes, 0)).toEqual({
    type: "error",
    code: "invalid_message",
    message: "bad \ufffd",
    id: 3,
  });
});

test("texts of every plane survive, a byte order mark included", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const record = { type: "error", code: "not_found", message: `\ufeff${text}` } as const;
      expect(decodeRecords(encode([record]))).toEqual([record]);
    }),
  );
});
