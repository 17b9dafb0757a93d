import {
  CLASSES,
  checkRecord,
  type DanmakuFields,
  type DanmakuRecord,
  decodeRecord,
  encodeDanmaku,
  encodeRecord,
  MODES,
  type PublishRecord,
  parseClientText,
  parseClientTlv,
  parseColor,
  patchLogRecord,
  recordsToJson,
} from "@danmakud/wire";
import { typicalComments } from "../packages/wire/src/typical-comments.fixture.ts";
import { type Contestant, measureInTurns } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";

/**
 * One record from memory to bytes and back, on one thread. Both contestants end and begin with the bytes of a frame:
 * - `tlv`: encode = the server's path (fields into a given buffer, offset and ts set); decode = bytes to an object.
 * - `json`: encode = `JSON.stringify` and UTF-8 into a given buffer; decode = UTF-8 and `JSON.parse`.
 *
 * Beside them what else the server does with a record: `publish` is a client's frame with one publish to a checked
 * draft; `check` the validation of a stored record; `render` TLV to JSON text as viewers in JSON get it, per record of
 * a batch; `object` the codec of clients and tools, which validates.
 */
export const codec: Scenario = {
  name: "codec",
  summary: "one danmaku to bytes and back: TLV against JSON",
  flags: [
    { name: "records", kind: "number", default: 4096, help: "different danmaku to go through in turn" },
  ],
  run(context: Context): Promise<readonly Run[]> {
    const load = makeLoad(context.number("records"));
    return measureInTurns(context, [tlv(load), json(load)]);
  },
};

interface Load {
  readonly records: readonly DanmakuRecord[];
  readonly publishes: readonly PublishRecord[];
}

function makeLoad(count: number): Load {
  const records = typicalComments(count);
  const publishes = records.map(
    ({ content, mode, color, size }, id): PublishRecord => ({
      type: "publish",
      id,
      content,
      mode,
      color,
      size,
      key: `k${id}`,
    }),
  );
  return { records, publishes };
}

/** Wide enough for any record of the load. */
const RECORD_BYTES = 1024;

function tlv({ records, publishes }: Load): Contestant {
  const fields = records.map(
    (record): DanmakuFields => ({
      uid: record.uid,
      content: record.content,
      mode: MODES.indexOf(record.mode),
      color: parseColor(record.color),
      size: record.size,
      class: CLASSES.indexOf(record.class),
    }),
  );
  const bytes = new Uint8Array(records.length * RECORD_BYTES);
  const starts: number[] = [];
  let end = 0;
  for (const record of records) {
    starts.push(end);
    end = encodeRecord(record, bytes, end);
  }
  const frames = publishes.map((publish) => bytesOf((into) => encodeRecord(publish, into, 0)));
  const into = new Uint8Array(RECORD_BYTES);
  verify(
    starts.map((at) => decodeRecord(bytes, at)),
    records,
  );
  verify(JSON.parse(recordsToJson(bytes, 0, end)), records);

  return {
    name: "tlv",
    params: { records: records.length, comments: "typical" },
    measure: (seconds) => ({
      bytesPerRecord: end / records.length,
      ...measureAll(seconds, records.length, {
        encodeNs: () => {
          let written = 0;
          for (let i = 0; i < fields.length; i++) {
            written += encodeDanmaku(into, 0, fields[i] as DanmakuFields);
            patchLogRecord(into, 0, 10_000 + i, 1_700_000_000_000 + i);
          }
          return written;
        },
        decodeNs: () => {
          let length = 0;
          for (let i = 0; i < starts.length; i++) {
            const record = decodeRecord(bytes, starts[i] as number) as DanmakuRecord;
            length += record.content.length;
          }
          return length;
        },
        publishNs: () => {
          let messages = 0;
          for (let i = 0; i < frames.length; i++) {
            messages += parseClientTlv(frames[i] as Uint8Array, "viewer").length;
          }
          return messages;
        },
        checkNs: () => {
          let at = 0;
          while (at < end) at += checkRecord(bytes, at, end);
          return at;
        },
        renderNs: () => recordsToJson(bytes, 0, end).length,
        objectEncodeNs: () => {
          let written = 0;
          for (let i = 0; i < records.length; i++)
            written += encodeRecord(records[i] as DanmakuRecord, into, 0);
          return written;
        },
      }),
    }),
  };
}

function json({ records, publishes }: Load): Contestant {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const frames = records.map((record) => encoder.encode(JSON.stringify(record)));
  const publishFrames = publishes.map((publish) => encoder.encode(JSON.stringify(publish)));
  const into = new Uint8Array(RECORD_BYTES);
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
  verify(
    frames.map((frame) => JSON.parse(decoder.decode(frame))),
    records,
  );

  return {
    name: "json",
    params: { records: records.length, comments: "typical" },
    measure: (seconds) => ({
      bytesPerRecord: bytes / records.length,
      ...measureAll(seconds, records.length, {
        encodeNs: () => {
          let written = 0;
          for (let i = 0; i < records.length; i++) {
            written += encoder.encodeInto(JSON.stringify(records[i]), into).written;
          }
          return written;
        },
        decodeNs: () => {
          let length = 0;
          for (let i = 0; i < frames.length; i++) {
            const record = JSON.parse(decoder.decode(frames[i])) as DanmakuRecord;
            length += record.content.length;
          }
          return length;
        },
        publishNs: () => {
          let messages = 0;
          for (let i = 0; i < publishFrames.length; i++) {
            messages += parseClientText(decoder.decode(publishFrames[i]), "viewer").length;
          }
          return messages;
        },
      }),
    }),
  };
}

function bytesOf(encode: (into: Uint8Array) => number): Uint8Array {
  const into = new Uint8Array(RECORD_BYTES);
  return into.slice(0, encode(into));
}

function verify(actual: readonly unknown[], expected: readonly unknown[]): void {
  if (!Bun.deepEquals(actual, expected)) throw new Error("a record did not come back as it was");
}

/** Nanoseconds per record of each task, every task for its share of the time. A pass goes through all records. */
function measureAll(
  seconds: number,
  records: number,
  tasks: Readonly<Record<string, () => number>>,
): Metrics {
  const metrics: Record<string, number> = {};
  const share = (seconds * 1e9) / Object.keys(tasks).length;
  for (const [name, pass] of Object.entries(tasks)) {
    let passes = 0;
    let result = 0;
    let elapsed = 0;
    const start = Bun.nanoseconds();
    do {
      result += pass();
      passes++;
      elapsed = Bun.nanoseconds() - start;
    } while (elapsed < share);
    // Looks at the result, so that no pass can be left out as dead code.
    if (result <= 0) throw new Error(`${name} did nothing`);
    metrics[name] = elapsed / (passes * records);
  }
  return metrics;
}
