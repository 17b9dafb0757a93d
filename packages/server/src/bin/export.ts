/** `danmakud export`: a room's history as a file. */
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { finished } from "node:stream/promises";
import { FORMATS, type Format, recordingWriter, toComment } from "@danmakud/client/formats";
import type { DanmakuRecord } from "@danmakud/wire";
import { type FlagValues, flag, optionalFlag, renderFlags } from "../config/index.ts";
import { choice, decimal, onOff, resolution, words } from "../config/values.ts";
import { type Command, EXIT } from "./command.ts";
import { checkRoom, readVisit, VISITOR_FLAGS } from "./connect.ts";
import { readHistory } from "./history.ts";

const EXPORT_FLAGS = {
  format: flag({
    flag: "format",
    argument: "F",
    schema: choice(...FORMATS),
    fallback: "jsonl" as Format,
    help: "xml (Bilibili), ass (subtitles) or jsonl (a record a line, with everything)",
  }),
  output: optionalFlag({
    flag: "output",
    argument: "FILE",
    schema: words(),
    help: "file to write; default: the standard output",
  }),
  resolution: flag({
    flag: "resolution",
    argument: "WxH",
    schema: resolution(),
    fallback: { width: 1920, height: 1080 },
    fallbackHelp: "1920x1080",
    help: "ass: size of the picture that positions are meant for",
  }),
  duration: flag({
    flag: "duration",
    argument: "S",
    schema: decimal(0.5, 120),
    fallback: 8,
    help: "ass: how long a comment is to be seen, seconds",
  }),
  font: flag({
    flag: "font",
    argument: "NAME",
    schema: words(),
    fallback: "sans-serif",
    help: "ass: the font",
  }),
  overlap: flag({
    flag: "overlap",
    schema: onOff(),
    fallback: false,
    help: "ass: let comments cover each other where there is no room, instead of leaving them out",
  }),
  ...VISITOR_FLAGS,
} as const;

type ExportValues = FlagValues<typeof EXPORT_FLAGS>;

export const command: Command = {
  summary: "write a room's history to a file",
  help: () => `Usage: danmakud export ROOM --format xml|ass|jsonl [flags]

Writes the danmaku that the room retains, from the oldest to the one that is the newest now. In xml
and ass times count from the first danmaku. What danmakud replay reads, this writes.

${renderFlags(EXPORT_FLAGS)}`,
  run: async (argv) => {
    const { values, positional } = readVisit(EXPORT_FLAGS, argv);
    return await exportRoom(checkRoom(positional), values);
  },
};

async function exportRoom(room: string, values: ExportValues): Promise<number> {
  const target = openTarget(values.output);
  const writer = recordingWriter(values.format, {
    ...values.resolution,
    durationMs: values.duration * 1000,
    font: values.font,
    title: room,
    overflow: values.overlap ? "overlap" : "drop",
  });
  let startTs: number | undefined;
  let count = 0;
  const line = (record: DanmakuRecord): string => {
    if (values.format === "jsonl") return `${JSON.stringify(record)}\n`;
    startTs ??= record.ts;
    return writer.comment(toComment(record, startTs));
  };
  try {
    await target.write(writer.header);
    for await (const page of readHistory(values.url, room, values.token)) {
      count += page.length;
      await target.write(page.map(line).join(""));
    }
    await target.write(writer.footer);
    await target.end();
  } catch (error) {
    target.abandon();
    // `export … | head` closes the pipe when it has seen enough.
    if (isBrokenPipe(error)) return EXIT.ok;
    throw error;
  }
  const { leftOut } = writer;
  const why = leftOut === 0 ? "" : `, ${leftOut} left out for want of room (--overlap keeps them)`;
  console.error(`exported ${count - leftOut} of ${count} danmaku${why}`);
  return EXIT.ok;
}

interface Target {
  /** Settles when there is room for more. */
  write(text: string): Promise<void>;
  end(): Promise<void>;
  abandon(): void;
}

/** A file appears under its name when it is whole; the standard output is written as it comes. */
function openTarget(file: string | undefined): Target {
  const part = `${file}.part`;
  const stream = file === undefined ? process.stdout : createWriteStream(part);
  let failure: Error | undefined;
  stream.on("error", (error) => {
    failure = error;
  });
  return {
    async write(text) {
      if (failure !== undefined) throw failure;
      if (text === "" || stream.write(text)) return;
      await new Promise<void>((resolve, reject) => {
        stream.once("drain", resolve);
        stream.once("error", reject);
      });
    },
    async end() {
      if (file === undefined) return;
      stream.end();
      await finished(stream);
      if (failure !== undefined) throw failure;
      renameSync(part, file);
    },
    abandon() {
      if (file === undefined) return;
      stream.destroy();
      rmSync(part, { force: true });
    },
  };
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}
