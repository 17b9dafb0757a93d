/** Generators of records for property tests. */
import fc from "fast-check";
import {
  CLASSES,
  type ClientRecord,
  type DanmakuRecord,
  type DeleteRecord,
  ERROR_CODES,
  GAP_REASONS,
  ID_MAX,
  type LogRecord,
  MODES,
  OFFSET_MAX,
  type ServerRecord,
  TS_MS_MAX,
  type WireRecord,
} from "./index.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

export const names = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 64 });

/** Well-formed text of any planes; not necessarily within the content rules. */
export const texts = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }),
  fc.string({ unit: fc.constantFrom(...'666哈前方高能😂"\\\n\u0000é'), minLength: 1, maxLength: 200 }),
);

/** Numbers with their borders, and those of 32 bits, drawn often. */
function whole(max: number): fc.Arbitrary<number> {
  const borders = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, max - 1, max].filter((n) => n <= max);
  return fc.oneof(
    fc.constantFrom(...borders),
    fc.maxSafeNat().map((n) => n % (max + 1)),
  );
}

const offsets = whole(OFFSET_MAX);
const ids = whole(ID_MAX);
const times = whole(TS_MS_MAX);
const colors = fc.nat(0xffffff).map((n) => `#${n.toString(16).padStart(6, "0")}`);
const sizes = fc.integer({ min: 12, max: 64 });
const attrs = fc
  .dictionary(
    fc.string({ maxLength: 10 }),
    fc.oneof(fc.string({ maxLength: 20 }), fc.integer(), fc.boolean()),
    {
      maxKeys: 5,
      noNullPrototype: true,
    },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

const constant = <const T extends string>(type: T) => fc.constant(type);

export const danmakus: fc.Arbitrary<DanmakuRecord> = fc.record(
  {
    type: constant("danmaku"),
    offset: offsets,
    ts: times,
    uid: names,
    content: texts,
    mode: fc.constantFrom(...MODES),
    color: colors,
    size: sizes,
    class: fc.constantFrom(...CLASSES),
    name: fc.string({ unit: "binary", minLength: 1, maxLength: 32 }),
    attrs,
  },
  {
    noNullPrototype: true,
    requiredKeys: ["type", "offset", "ts", "uid", "content", "mode", "color", "size", "class"],
  },
);

const deletes: fc.Arbitrary<DeleteRecord> = fc.oneof(
  fc.record({ type: constant("delete"), offset: offsets, ts: times, of: offsets }, { noNullPrototype: true }),
  fc.record(
    { type: constant("delete"), offset: offsets, ts: times, ofUid: names },
    { noNullPrototype: true },
  ),
);

/** Danmaku and delete records. */
export const logRecords: fc.Arbitrary<LogRecord> = fc.oneof(danmakus, deletes);

export const serverRecords: fc.Arbitrary<ServerRecord> = fc.oneof(
  danmakus,
  deletes,
  fc.record(
    {
      type: constant("hello"),
      room: names,
      epoch: names,
      head: offsets,
      resumed: fc.boolean(),
      uid: names,
      serverTime: times,
    },
    { noNullPrototype: true },
  ),
  fc
    .tuple(offsets, offsets, fc.constantFrom(...GAP_REASONS))
    .map(([a, b, reason]) => ({ type: "gap" as const, from: Math.min(a, b), to: Math.max(a, b), reason })),
  fc.record({ type: constant("ack"), id: ids, offset: offsets }, { noNullPrototype: true }),
  fc.record(
    { type: constant("scheduled"), id: ids, scheduled: whole(2 ** 32 - 1), deliverAt: times },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      type: constant("error"),
      code: fc.constantFrom(...ERROR_CODES),
      message: fc.string({ unit: "binary", maxLength: 100 }),
      id: ids,
      retryAfterMs: whole(2 ** 32 - 1),
    },
    { noNullPrototype: true, requiredKeys: ["type", "code", "message"] },
  ),
  fc.record({ type: constant("stats"), online: whole(2 ** 32 - 1) }, { noNullPrototype: true }),
  fc.record({ type: constant("pong"), id: ids }, { noNullPrototype: true }),
);

const publishFields = {
  type: constant("publish"),
  id: ids,
  content: texts,
  mode: fc.constantFrom(...MODES),
  color: colors,
  size: sizes,
  key: fc.string({ unit: "binary", minLength: 1, maxLength: 16 }),
  uid: names,
  name: fc.string({ unit: "binary", minLength: 1, maxLength: 32 }),
  class: fc.constantFrom(...CLASSES),
  attrs,
};
const publishRequired = ["type", "id", "content", "mode", "color", "size"] as const;

export const clientRecords: fc.Arbitrary<ClientRecord> = fc.oneof(
  fc.record({ type: constant("ping"), id: ids }, { noNullPrototype: true }),
  fc.record(
    { ...publishFields, deliverAt: times },
    { noNullPrototype: true, requiredKeys: [...publishRequired] },
  ),
  fc.record(
    { ...publishFields, delayMs: whole(2 ** 32 - 1) },
    { noNullPrototype: true, requiredKeys: [...publishRequired] },
  ),
);

export const wireRecords: fc.Arbitrary<WireRecord> = fc.oneof(serverRecords, clientRecords);
