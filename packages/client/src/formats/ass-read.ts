/** Comments from subtitles: those of `assWriter`, and what other converters of danmaku write. */
import type { Mode } from "@danmakud/wire";
import { commandsOf, parseAssColor, parseAssTime, unescapeAss } from "./ass-text.ts";
import { ASS_SIZE_HEIGHT } from "./ass-write.ts";
import {
  AT_MS_MAX,
  type RecordedComment,
  type Recording,
  RecordingReader,
  type SkipReason,
  toSize,
  toUid,
} from "./recorded.ts";

const HEIGHT_DEFAULT = 288;
const EVENT_FIELDS = [
  "layer",
  "start",
  "end",
  "style",
  "name",
  "marginl",
  "marginr",
  "marginv",
  "effect",
  "text",
];
const STYLE_FIELDS = ["name", "fontname", "fontsize", "primarycolour"];
/** No comment is so long; a line that is was not written as one. */
const LINE_CHARS_MAX = 16_384;

type Fields = Readonly<Record<string, string>>;

/** What has been read of a file so far. */
interface Script {
  section: string;
  height: number;
  format: readonly string[];
  readonly styles: Map<string, Fields>;
}

/** Reads all lines of dialogue. What cannot be read is left out and counted; drawings are of an unsupported mode. */
export function readAss(text: string): Recording {
  const reader = new RecordingReader();
  const script: Script = { section: "", height: HEIGHT_DEFAULT, format: [], styles: new Map() };
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const header = /^\s*\[([^\]]*)\]\s*$/.exec(line);
    if (header !== null) {
      script.section = (header[1] ?? "").toLowerCase();
      script.format = script.section === "events" ? EVENT_FIELDS : STYLE_FIELDS;
      continue;
    }
    const [, key = "", value = ""] = /^\s*([A-Za-z]+):\s?(.*)$/.exec(line) ?? [];
    const read = readLine(script, key.toLowerCase(), value);
    if (typeof read === "string") reader.skip(read);
    else if (read !== undefined) reader.add(read);
  }
  return reader;
}

function readLine(script: Script, key: string, value: string): RecordedComment | SkipReason | undefined {
  switch (key) {
    case "playresy":
      script.height = Number(value) > 0 ? Number(value) : script.height;
      return undefined;
    case "format":
      script.format = value.split(",").map((field) => field.trim().toLowerCase());
      return undefined;
    case "style": {
      const style = split(value, script.format);
      script.styles.set(style.name?.trim() ?? "", style);
      return undefined;
    }
    case "dialogue":
      if (script.section !== "events" || value.length > LINE_CHARS_MAX) return "malformed";
      return readDialogue(split(value, script.format), script);
    default:
      return undefined;
  }
}

/** The last field takes what is left, commas and all. */
function split(value: string, format: readonly string[]): Fields {
  const parts = value.split(",");
  const last = format.length - 1;
  const fields: Record<string, string> = {};
  for (const [index, name] of format.entries()) {
    fields[name] = index === last ? parts.slice(last).join(",") : (parts[index] ?? "");
  }
  return fields;
}

function readDialogue(fields: Fields, script: Script): RecordedComment | SkipReason {
  const { text = "", name = "" } = fields;
  const atMs = parseAssTime(fields.start ?? "");
  if (!(atMs >= 0 && atMs <= AT_MS_MAX)) return "malformed";
  const commands = commandsOf(text);
  if (/\\p[1-9]/.test(commands)) return "unsupported mode";
  const style = script.styles.get(fields.style?.trim() ?? "") ?? {};
  const size = Number(/\\fs(\d+(?:\.\d+)?)/.exec(commands)?.[1] ?? style.fontsize);
  const color = /\\1?c(&H[0-9a-f]+&?)/i.exec(commands)?.[1] ?? style.primarycolour ?? "";
  return {
    atMs,
    uid: toUid(name.trim()),
    content: unescapeAss(text),
    mode: modeOf(commands, style, script.height),
    color: parseAssColor(color) ?? "#ffffff",
    size: toSize(size > 0 ? (size * ASS_SIZE_HEIGHT) / script.height : 25),
  };
}

/** What moves, moves from the right unless it says so; what stands, stands where it is aligned, or placed. */
function modeOf(commands: string, style: Fields, height: number): Mode {
  const move = /\\move\(\s*(-?[\d.]+)\s*,\s*-?[\d.]+\s*,\s*(-?[\d.]+)/.exec(commands);
  if (move !== null) return Number(move[1]) < Number(move[2]) ? "reverse" : "scroll";
  const alignment = Number(/\\an([1-9])/.exec(commands)?.[1] ?? style.alignment ?? 2);
  const y = /\\pos\(\s*-?[\d.]+\s*,\s*(-?[\d.]+)/.exec(commands)?.[1];
  if (y !== undefined && !/\\an/.test(commands)) return Number(y) < height / 2 ? "top" : "bottom";
  return alignment >= 7 ? "top" : alignment <= 3 ? "bottom" : "scroll";
}
