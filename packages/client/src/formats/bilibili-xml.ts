/**
 * Comments of a Bilibili recording: `<d p="time,mode,size,color,unixTime,pool,sender,id">text</d>`, one after another.
 *
 * Read by a scanner of its own rather than an XML parser: real files have control characters that XML forbids, bare
 * `&` and `<`, and entries cut off in the middle. Whatever cannot be read is left out and counted; nothing throws, and
 * the time taken is linear in the text.
 */
import { COLOR_MAX, type Mode } from "@danmakud/wire";
import {
  AT_MS_MAX,
  type RecordedComment,
  type Recording,
  RecordingReader,
  type RecordingWriter,
  type SkipReason,
  toSize,
  toUid,
} from "./recorded.ts";

const FIELDS_MIN = 4;
/** Far beyond any comment, with every character an entity. */
const INNER_CHARS_MAX = 16_384;

const MODES: Readonly<Record<string, Mode>> = {
  1: "scroll",
  2: "scroll",
  3: "scroll",
  4: "bottom",
  5: "top",
  6: "reverse",
};
const MODE_NUMBERS: Readonly<Record<Mode, number>> = { scroll: 1, bottom: 4, top: 5, reverse: 6 };
/** Positioned comments, scripts and the like: programs rather than text. */
const UNSUPPORTED_MODES = ["7", "8", "9"];

/** Reads all entries of a file. */
export function readBilibiliXml(text: string): Recording {
  const reader = new RecordingReader();
  for (const { attributes, inner } of scanEntries(text)) {
    const read = attributes === undefined ? "malformed" : readComment(attributes, inner);
    if (typeof read === "string") reader.skip(read);
    else reader.add(read);
  }
  return reader;
}

/** Writes a file that `readBilibiliXml`, and players of such files, read. Names and attributes have no place in it. */
export function bilibiliXmlWriter(): RecordingWriter {
  let number = 0;
  return {
    header: '<?xml version="1.0" encoding="UTF-8"?>\n<i>\n',
    comment({ atMs, mode, size, color, ts = 0, uid, content }) {
      const fields = [
        (atMs / 1000).toFixed(3),
        MODE_NUMBERS[mode],
        size,
        Number.parseInt(color.slice(1), 16),
        Math.floor(ts / 1000),
        0,
        uid,
        ++number,
      ];
      return `<d p="${fields.join(",")}">${escapeText(content)}</d>\n`;
    },
    footer: "</i>\n",
    leftOut: 0,
  };
}

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (sign) => (sign === "&" ? "&amp;" : sign === "<" ? "&lt;" : "&gt;"));
}

interface Entry {
  /** Inside of the start tag, or undefined for an entry that is cut off. */
  readonly attributes: string | undefined;
  readonly inner: string;
}

const CUT_OFF: Entry = { attributes: undefined, inner: "" };

/** Finds `<d …>…</d>`. An entry ends at the latest where the next begins, so one that is cut off costs no other. */
function* scanEntries(text: string): Generator<Entry> {
  const opening = /<d(?=[\s/>])/g;
  // What was found beyond a cut off entry belongs to a later one, and is not looked for again: time stays linear.
  let tagEnd = -1;
  let close = -1;
  let open = opening.exec(text);
  while (open !== null) {
    const from = open.index + open[0].length;
    open = opening.exec(text);
    const limit = open?.index ?? text.length;
    if (tagEnd < from) tagEnd = indexOrEnd(text, ">", from);
    if (tagEnd >= limit) {
      yield CUT_OFF;
      continue;
    }
    const attributes = text.slice(from, tagEnd);
    if (attributes.endsWith("/")) {
      yield { attributes: attributes.slice(0, -1), inner: "" };
      continue;
    }
    if (close < tagEnd) close = indexOrEnd(text, "</d", tagEnd);
    const complete = close < limit && close - tagEnd <= INNER_CHARS_MAX;
    yield complete ? { attributes, inner: text.slice(tagEnd + 1, close) } : CUT_OFF;
  }
}

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from);
  return index < 0 ? text.length : index;
}

function readComment(attributes: string, inner: string): RecordedComment | SkipReason {
  const [, doubleQuoted, singleQuoted] = /\sp\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(attributes) ?? [];
  const fields = (doubleQuoted ?? singleQuoted ?? "").split(",").map((field) => field.trim());
  if (fields.length < FIELDS_MIN) return "malformed";
  const [time = "", modeText = "", sizeText = "", colorText = "", unixTime = "", , sender = ""] = fields;
  if (UNSUPPORTED_MODES.includes(modeText)) return "unsupported mode";
  const mode = Object.hasOwn(MODES, modeText) ? MODES[modeText] : undefined;
  const atMs = Math.round(number(time) * 1000);
  const size = number(sizeText);
  const color = number(colorText);
  if (mode === undefined || !(atMs >= 0 && atMs <= AT_MS_MAX) || Number.isNaN(size) || Number.isNaN(color)) {
    return "malformed";
  }
  const ts = number(unixTime) * 1000;
  return {
    atMs,
    uid: toUid(sender),
    content: decodeText(inner),
    mode,
    color: `#${(color & COLOR_MAX).toString(16).padStart(6, "0")}`,
    size: toSize(size),
    ...(ts > 0 && { ts }),
  };
}

/** A decimal number of at most 15 digits before the point; NaN for anything else. */
function number(text: string): number {
  return /^-?\d{1,15}(\.\d{0,30})?$/.test(text) ? Number(text) : Number.NaN;
}

const NAMED_ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Entities and CDATA sections to text. What is no entity stays as it was written: a bare `&` is common. */
function decodeText(inner: string): string {
  return inner.replace(
    /<!\[CDATA\[([\s\S]*?)\]\]>|&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g,
    (whole, section?: string, decimal?: string, hexadecimal?: string, name?: string) => {
      if (section !== undefined) return section;
      if (name !== undefined) return NAMED_ENTITIES[name] ?? whole;
      const point = decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal);
      const surrogate = point >= 0xd800 && point <= 0xdfff;
      return point > 0x10_ffff || surrogate ? whole : String.fromCodePoint(point);
    },
  );
}
