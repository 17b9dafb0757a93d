/** Files of comments: Bilibili XML, subtitles (ASS) and JSON lines, both ways. For tools; no page needs it to show danmaku. */
import { readAss } from "./ass-read.ts";
import { type AssOptions, assWriter } from "./ass-write.ts";
import { bilibiliXmlWriter, readBilibiliXml } from "./bilibili-xml.ts";
import { jsonlWriter, readJsonl } from "./jsonl.ts";
import type { Recording, RecordingWriter } from "./recorded.ts";

export { readAss } from "./ass-read.ts";
export { type AssOptions, assWriter } from "./ass-write.ts";
export { bilibiliXmlWriter, readBilibiliXml } from "./bilibili-xml.ts";
export { jsonlWriter, readJsonl } from "./jsonl.ts";
export {
  type RecordedComment,
  type Recording,
  type RecordingWriter,
  type SkipReason,
  toComment,
} from "./recorded.ts";

/** The formats by name. */
export const FORMATS = ["xml", "ass", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

/** What a file is, by its beginning; undefined where it is none of them. */
export function detectFormat(text: string): Format | undefined {
  const start = text
    .slice(0, 4096)
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (start.startsWith("<")) return "xml";
  if (start.startsWith("{")) return "jsonl";
  return /^(?:;.*\s+)*\[(?:Script Info|V4\+ Styles|Events)\]/i.test(start) ? "ass" : undefined;
}

/** Reads a file of any of the formats. */
export function readRecording(text: string, format: Format): Recording {
  switch (format) {
    case "xml":
      return readBilibiliXml(text);
    case "ass":
      return readAss(text);
    case "jsonl":
      return readJsonl(text);
  }
}

/** A writer of any of the formats. */
export function recordingWriter(format: Format, options: AssOptions = {}): RecordingWriter {
  switch (format) {
    case "xml":
      return bilibiliXmlWriter();
    case "ass":
      return assWriter(options);
    case "jsonl":
      return jsonlWriter();
  }
}
