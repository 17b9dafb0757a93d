import type { Room } from "@danmakud/client";
import type { DanmakuRecord, DeleteRecord, GapRecord } from "@danmakud/wire";
import { PAGE_RECORDS_MAX } from "@danmakud/wire";
import { flag, renderFlags } from "../config/index.ts";
import { integer, onOff } from "../config/values.ts";
import { type Command, EXIT } from "./command.ts";
import { checkRoom, readVisit, VISITOR_FLAGS, visit } from "./connect.ts";

const TAIL_FLAGS = {
  last: flag({
    flag: "last",
    argument: "N",
    schema: integer(0, PAGE_RECORDS_MAX),
    fallback: 0,
    help: "start with the last so many danmaku",
  }),
  json: flag({ flag: "json", schema: onOff(), fallback: false, help: "one record per line, as JSON" }),
  ...VISITOR_FLAGS,
} as const;

export const command: Command = {
  summary: "print a room live",
  help: () => `Usage: danmakud tail ROOM [flags]

Prints the danmaku of a room as they come, until interrupted. Resumes after a loss of connection;
what cannot be had any more is announced as a gap. Gaps and the connection's state go to the
standard error output, with --json gaps and deletions also to the standard output.

${renderFlags(TAIL_FLAGS)}`,
  run: async (argv) => {
    const { values, positional } = readVisit(TAIL_FLAGS, argv);
    const name = checkRoom(positional);
    const client = visit(values, `tail-${crypto.randomUUID().slice(0, 8)}`, "viewer");
    const room = client.room(name, { last: values.last });
    try {
      return await print(room, values.json);
    } finally {
      client.close();
    }
  },
};

/** Prints until the user has enough, the reader of the output is gone, or the room is closed for good. */
function print(room: Room, json: boolean): Promise<number> {
  return new Promise((resolve) => {
    const write = (line: string): void => {
      process.stdout.write(`${line}\n`);
    };
    const note = (line: string): void => {
      process.stderr.write(`${line}\n`);
    };
    // `tail … | head` closes the pipe when it has seen enough.
    process.stdout.on("error", () => resolve(EXIT.ok));
    process.once("SIGINT", () => resolve(EXIT.ok));
    process.once("SIGTERM", () => resolve(EXIT.ok));
    const rush = new LeftOut(note);
    const show = (record: DanmakuRecord | DeleteRecord | GapRecord): void => {
      if (json) write(JSON.stringify(record));
      else if (record.type === "danmaku") write(describeDanmaku(record));
      else if (record.type === "delete") write(describeDelete(record));
      if (record.type !== "gap") return;
      if (record.reason === "sampled") rush.add(record.to - record.from + 1);
      else note(`-- ${record.from} to ${record.to} will not come: ${record.reason}`);
    };
    room.on("message", show);
    room.on("deleted", show);
    room.on("gap", show);
    room.on("joined", ({ epoch, head }) => note(`-- room ${room.id}, epoch ${epoch}, head ${head}`));
    room.on("state", ({ state, reconnect, resumed, code, reason, retryInMs }) => {
      if (state === "connected" && reconnect) {
        note(resumed ? "-- resumed" : "-- connected again, but the room's log is a new one");
      } else if (state === "disconnected" && code !== undefined) {
        const why = `${code}${reason ? ` ${reason}` : ""}`;
        note(`-- disconnected (${why})${retryInMs === undefined ? "" : `, next try in ${retryInMs} ms`}`);
        if (retryInMs === undefined) resolve(EXIT.failed);
      }
    });
    room.on("error", (error) => note(`danmakud: ${error.code}: ${error.message}`));
  });
}

/** What a rush leaves out comes between almost every two danmaku: told in sums, now and then. */
class LeftOut {
  readonly #note: (line: string) => void;
  #count = 0;
  #toldAt = 0;

  constructor(note: (line: string) => void) {
    this.#note = note;
  }

  add(count: number): void {
    this.#count += count;
    const now = performance.now();
    if (now - this.#toldAt < LEFT_OUT_TOLD_MS) return;
    this.#note(`-- ${this.#count} left out: more come than the room shows`);
    this.#count = 0;
    this.#toldAt = now;
  }
}

const LEFT_OUT_TOLD_MS = 5000;

function describeDanmaku({ offset, ts, uid, name, content, class: rank }: DanmakuRecord): string {
  const time = new Date(ts).toLocaleTimeString("en-GB");
  const who = name === undefined ? uid : `${name} (${uid})`;
  const mark = rank === "normal" ? "" : ` [${rank}]`;
  return plain(`${time} #${offset} ${who}${mark}: ${content}`);
}

function describeDelete({ offset, of, ofUid }: DeleteRecord): string {
  return plain(`-- #${offset} deletes ${of === undefined ? `all before it by ${ofUid}` : `#${of}`}`);
}

/** No server of ours lets control characters pass, but a terminal obeys them: another address might send some. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, "�");
}
