/**
 * Comments of a Bilibili recording: `<d p="time,mode,size,color,unixTime,pool,sender,id">text</d>`, one after another.
 *
 * Read by a scanner of its own rather than an XML parser: real files have control characters that XML forbids, bare
 * `&` and `<`, and entries cut off in the middle. Whatever cannot be read is left out and counted; nothing throws, and
 * the time taken is linear in the text.
 */
import { COLOR_MAX, isUid, type Mode, NAME_CHARS_MAX, SIZE_MAX, SIZE_MIN } from "@danmakud/wire";

/** One comment, not yet checked against the rules for content. */
export interface RecordedComment {
  /** Milliseconds from the start of the recording. */
  readonly atMs: number;
  /** Who wrote it, as a uid: characters that a uid cannot have are replaced. */
  readonly uid: string;
  /** Control characters are out already. */
  readonly content: string;
  readonly mode: Mode;
  /** `#rrggbb` */
  readonly color: string;
  /** Within what danmakud allows. */
  readonly size: number;
}

/** Why an entry is left out. */
export type SkipReason = "malformed" | "unsupported mode" | "empty";

export interface Recording {
  /** In the order of the file, which is not that of time. */
  readonly comments: readonly RecordedComment[];
  readonly skipped: ReadonlyMap<SkipReason, number>;
  /** Control characters that were taken out of comments. */
  readonly controlCharacters: number;
}

/** Thirty days: later than that is a damaged number, and a replay that never ends. */
const AT_S_MAX = 30 * 86_400;
const FIELDS_MIN = 4;
/** Far beyond any comment, with every character an entity. */
const INNER_CHARS_MAX = 16_384;
const UNKNOWN_SENDER = "unknown";

const MODES: Readonly<Record<string, Mode>> = {
  1: "scroll",
  2: "scroll",
  3: "scroll",
  4: "bottom",
  5: "top",
  6: "reverse",
};
/** Positioned comments, scripts and the like: programs rather than text. */
const UNSUPPORTED_MODES = ["7", "8", "9"];

/** Reads all entries of a file. */
export function readBilibiliXml(text: string): Recording {
  const comments: RecordedComment[] = [];
  const skipped = new Map<SkipReason, number>();
  let controlCharacters = 0;
  for (const { attributes, inner } of scanEntries(text)) {
    const read = attributes === undefined ? "malformed" : readComment(attributes, inner);
    if (typeof read === "string") {
      skipped.set(read, (skipped.get(read) ?? 0) + 1);
      continue;
    }
    controlCharacters += read.controlCharacters;
    comments.push(read.comment);
  }
  return { comments, skipped, controlCharacters };
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

function readComment(
  attributes: string,
  inner: string,
): { readonly comment: RecordedComment; readonly controlCharacters: number } | SkipReason {
  const [, doubleQuoted, singleQuoted] = /\sp\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(attributes) ?? [];
  const fields = (doubleQuoted ?? singleQuoted ?? "").split(",").map((field) => field.trim());
  if (fields.length < FIELDS_MIN) return "malformed";
  const [time = "", modeText = "", sizeText = "", colorText = "", , , sender = ""] = fields;
  if (UNSUPPORTED_MODES.includes(modeText)) return "unsupported mode";
  const mode = Object.hasOwn(MODES, modeText) ? MODES[modeText] : undefined;
  const atS = number(time);
  const size = number(sizeText);
  const color = number(colorText);
  if (mode === undefined || !(atS >= 0 && atS <= AT_S_MAX) || Number.isNaN(size) || Number.isNaN(color)) {
    return "malformed";
  }
  const raw = decodeText(inner);
  // Line breaks and tabs part words, the rest shows nothing.
  const content = raw
    .replace(/[\t\n\v\f\r\u0085]+/g, " ")
    .replace(CONTROLS, "")
    .trim();
  if (content === "") return "empty";
  return {
    comment: {
      atMs: Math.round(atS * 1000),
      uid: toUid(sender),
      content,
      mode,
      color: `#${(color & COLOR_MAX).toString(16).padStart(6, "0")}`,
      size: Math.round(Math.min(SIZE_MAX, Math.max(SIZE_MIN, size))),
    },
    controlCharacters: raw.trim().match(CONTROLS)?.length ?? 0,
  };
}

const CONTROLS = /\p{Cc}/gu;

/** A decimal number of at most 15 digits before the point; NaN for anything else. */
function number(text: string): number {
  return /^-?\d{1,15}(\.\d{0,30})?$/.test(text) ? Number(text) : Number.NaN;
}

function toUid(sender: string): string {
  const usable: boolean = isUid(sender);
  if (usable) return sender;
  const uid = sender.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, NAME_CHARS_MAX);
  return uid === "" ? UNKNOWN_SENDER : uid;
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
