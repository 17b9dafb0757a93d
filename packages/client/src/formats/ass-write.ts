/** Comments as subtitles (Advanced SubStation Alpha 4.00+) that fly over a video in any player that shows those. */
import { escapeAss, formatAssColor, formatAssTime } from "./ass-text.ts";
import { Lanes, textWidth } from "./lanes.ts";
import type { RecordedComment, RecordingWriter } from "./recorded.ts";

/** What a file of subtitles looks like. */
export interface AssOptions {
  /** Of the picture that positions are meant for; players scale it. Default 1920 × 1080. */
  readonly width?: number;
  readonly height?: number;
  /** How long a comment is to be seen, milliseconds. Default 8,000. */
  readonly durationMs?: number;
  /** Share of the height that moving comments may use, 0–1. Default 1. */
  readonly area?: number;
  /** 0 (invisible) to 1. Default 0.9. */
  readonly opacity?: number;
  /** Default `sans-serif`, which players replace by their own. */
  readonly font?: string;
  readonly title?: string;
  /** Where no row is free: leave the comment out (default; counted), or let it cover others. */
  readonly overflow?: "drop" | "overlap";
}

/** A comment's size is meant for a picture of this height. */
export const ASS_SIZE_HEIGHT = 540;
/** Height of a line of text for its font size. */
const LINE_HEIGHT = 1.15;

/** Writes subtitles. Times are exact to 10 ms; names and attributes have no place in them. */
export function assWriter(options: AssOptions = {}): RecordingWriter {
  const { width = 1920, height = 1080, durationMs = 8000, area = 1, overflow = "drop" } = options;
  const lanes = new Lanes({ width, height, durationMs, area, overflow });
  const scale = height / ASS_SIZE_HEIGHT;
  let leftOut = 0;
  return {
    header: header(options, width, height),
    comment(comment) {
      const { atMs, uid, content, mode, color, size } = comment;
      const fontSize = size * scale;
      const textPixels = textWidth(content, fontSize);
      const y = lanes.place(atMs, textPixels, fontSize * LINE_HEIGHT, mode);
      if (y === undefined) {
        leftOut++;
        return "";
      }
      const commands = [
        path(comment, width, height, textPixels, y),
        size === 25 ? "" : `\\fs${round(fontSize)}`,
        color === "#ffffff" ? "" : `\\c${formatAssColor(color)}`,
      ];
      const layer = mode === "scroll" || mode === "reverse" ? 0 : 1;
      const times = `${formatAssTime(atMs)},${formatAssTime(atMs + durationMs)}`;
      return `Dialogue: ${layer},${times},Danmaku,${uid},0,0,0,,{${commands.join("")}}${escapeAss(content)}\n`;
    },
    footer: "",
    get leftOut() {
      return leftOut;
    },
  };
}

function path({ mode }: RecordedComment, width: number, height: number, text: number, y: number): string {
  switch (mode) {
    case "scroll":
      return `\\move(${width},${round(y)},${round(-text)},${round(y)})`;
    case "reverse":
      return `\\move(${round(-text)},${round(y)},${width},${round(y)})`;
    case "top":
      return `\\an8\\pos(${round(width / 2)},${round(y)})`;
    case "bottom":
      return `\\an2\\pos(${round(width / 2)},${round(height - y)})`;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function header(
  { font = "sans-serif", title = "", opacity = 0.9 }: AssOptions,
  width: number,
  height: number,
): string {
  const alpha = Math.round(255 * (1 - opacity))
    .toString(16)
    .padStart(2, "0")
    .toUpperCase();
  const fontSize = round((25 * height) / ASS_SIZE_HEIGHT);
  const outline = round(height / ASS_SIZE_HEIGHT);
  const style = [
    "Danmaku",
    plain(font),
    fontSize,
    `&H${alpha}FFFFFF`,
    `&H${alpha}FFFFFF`,
    `&H${alpha}000000`,
    `&H${alpha}000000`,
    ...[0, 0, 0, 0, 100, 100, 0, 0, 1, outline, 0, 7, 0, 0, 0, 1],
  ];
  return `[Script Info]
Title: ${plain(title)}
ScriptType: v4.00+
WrapStyle: 2
ScaledBorderAndShadow: yes
PlayResX: ${width}
PlayResY: ${height}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: ${style.join(",")}

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;
}

/** Without what would end a field or a line. */
function plain(text: string): string {
  return text.replace(/[\p{Cc},]+/gu, " ").trim();
}
