import { readFileSync, statSync } from "node:fs";
import type { Room } from "@danmakud/client";
import { detectFormat, readRecording } from "@danmakud/client/formats";
import { checkContent, DanmakuError } from "@danmakud/wire";
import { type FlagValues, flag, optionalFlag, renderFlags, UsageError } from "../config/index.ts";
import { decimal, onOff, words } from "../config/values.ts";
import { type Command, EXIT } from "./command.ts";
import { checkRoom, readVisit, VISITOR_FLAGS, visit } from "./connect.ts";
import { Playback, type TimedMessage } from "./playback.ts";
import { ProgressLine } from "./progress-line.ts";

const REPLAY_FLAGS = {
  room: optionalFlag({ flag: "room", argument: "R", schema: words(), help: "room to publish to (required)" }),
  speed: flag({
    flag: "speed",
    argument: "X",
    schema: decimal(0, 1_000_000),
    fallback: 1,
    help: "times the recorded speed; 0 = as fast as the node takes them",
  }),
  loop: flag({
    flag: "loop",
    schema: onOff(),
    fallback: false,
    help: "begin again at the end, until stopped",
  }),
  ...VISITOR_FLAGS,
} as const;

type ReplayValues = FlagValues<typeof REPLAY_FLAGS>;

/** A day of a busy stream is some 50 MB; a file is read whole, since its comments are not in order of time. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;
/** An address that is wrong should not look like one that is slow. */
const FIRST_CONNECTION_MS_MAX = 10_000;
/** A node is back from a restart long before. */
const AWAY_MS_MAX = 60_000;
/** Of refusals that were said to be for the moment. */
const WITHOUT_ACK_MS_MAX = 120_000;

export const command: Command = {
  summary: "publish a recorded file into a room",
  help: () => `Usage: danmakud replay FILE --room R [flags]

Publishes the comments of a recording at the times they were made, counted from the first one. Reads
Bilibili XML, subtitles (ASS) and JSON lines, which danmakud export writes. Damaged entries are skipped and counted. Each comment is sent until it is acked, however
often the node restarts, and never published twice. Exits with 1 if one was refused or left without
an answer. On a node without sign-in it acts as a service; elsewhere the token must be a service's.

${renderFlags(REPLAY_FLAGS)}`,
  run: async (argv) => {
    const { values, positional } = readVisit(REPLAY_FLAGS, argv);
    if (positional === undefined) throw new UsageError("which file?");
    return await replay(positional, checkRoom(values.room), values);
  },
};

async function replay(file: string, roomName: string, values: ReplayValues): Promise<number> {
  const { messages, skipped, controlCharacters } = loadRecording(file);
  const startedAt = performance.now();
  const client = visit(values, "replay", "service");
  const room = client.room(roomName);
  const playback = new Playback({
    messages,
    room,
    speed: values.speed,
    loop: values.loop,
    keyPrefix: crypto.randomUUID(),
  });
  const progress = new ProgressLine(process.stderr, () =>
    describeProgress(playback, messages.length, values.loop),
  );
  const withdraw = onInterrupt(() => {
    progress.note("stopping; once more to leave what is on its way");
    playback.stop();
  });
  let failure: string | undefined;
  try {
    const lost = watchConnection(room, values.url, (text) => progress.note(text));
    // The clock of the recording starts in the room, not while an address is looked for.
    await Promise.race([joined(room).then(() => playback.run()), lost, watchAcks(playback)]);
  } catch (error) {
    if (!(error instanceof DanmakuError)) throw error;
    failure = error.message;
    playback.stop();
  } finally {
    withdraw();
    progress.stop();
    client.close();
  }
  const { published, acked, retried, refused, lastRefusal } = playback.counts;
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`published ${published}, acked ${acked}, retried ${retried} in ${seconds.toFixed(1)} s`);
  if (refused.size > 0) console.log(`refused ${describeCounts(refused)}; the last: ${lastRefusal?.message}`);
  console.log(`skipped ${describeCounts(skipped)}; control characters taken out: ${controlCharacters}`);
  if (failure !== undefined) console.error(`danmakud: ${failure}`);
  return failure === undefined && acked === published ? EXIT.ok : EXIT.failed;
}

interface LoadedRecording {
  readonly messages: readonly TimedMessage[];
  readonly skipped: ReadonlyMap<string, number>;
  readonly controlCharacters: number;
}

/** @throws UsageError where the file cannot be read or has nothing in it that could be published. */
function loadRecording(file: string): LoadedRecording {
  const text = readText(file);
  const format = detectFormat(text);
  if (format === undefined) {
    throw new UsageError(`${file} is none of Bilibili XML, subtitles (ASS) and JSON lines`);
  }
  const { comments, skipped: unread, controlCharacters } = readRecording(text, format);
  const skipped = new Map<string, number>(unread);
  const messages: TimedMessage[] = [];
  for (const { atMs, ts, ...comment } of comments) {
    // Announcements are the node's own word, which nobody may repeat in its name.
    if (comment.class === "system") {
      skipped.set("class system", (skipped.get("class system") ?? 0) + 1);
      continue;
    }
    try {
      messages.push({ atMs, message: { ...comment, content: checkContent(comment.content) } });
    } catch (error) {
      if (!(error instanceof DanmakuError)) throw error;
      skipped.set(error.message, (skipped.get(error.message) ?? 0) + 1);
    }
  }
  if (messages.length === 0) {
    throw new UsageError(`${file} has no comments to publish (skipped ${describeCounts(skipped)})`);
  }
  // Recordings are in the order of their database; comments of the same moment keep it.
  messages.sort((a, b) => a.atMs - b.atMs);
  return { messages, skipped, controlCharacters };
}

function readText(file: string): string {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) throw new UsageError(`${file} is larger than 512 MiB`);
    return new TextDecoder().decode(readFileSync(file));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function joined(room: Room): Promise<void> {
  return new Promise((resolve) => {
    room.on("joined", () => resolve());
  });
}

/** Says on the way what happens to the connection; rejects when there is no use in waiting any longer. */
function watchConnection(room: Room, url: string, note: (text: string) => void): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => {
      reject(new DanmakuError("unavailable", `no connection to ${url}`));
    };
    let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(giveUp, FIRST_CONNECTION_MS_MAX);
    room.on("error", reject);
    room.on("state", ({ state, reconnect, code, reason, retryInMs }) => {
      if (state === "connected") {
        clearTimeout(timer);
        timer = undefined;
        if (reconnect) note("connected again");
      } else if (state === "disconnected") {
        if (retryInMs === undefined) {
          clearTimeout(timer);
          return;
        }
        timer ??= setTimeout(giveUp, AWAY_MS_MAX);
        note(`disconnected (${code}${reason ? ` ${reason}` : ""}), next try in ${retryInMs} ms`);
      }
    });
  });
}

/** Rejects when a node has refused for so long that nobody should wait for it. */
function watchAcks(playback: Playback): Promise<never> {
  return new Promise((_resolve, reject) => {
    let acked = 0;
    setInterval(() => {
      const { counts, inFlight } = playback;
      if (inFlight > 0 && counts.acked === acked) {
        const last = counts.lastRefusal;
        const why = last === undefined ? "no answer" : `${last.code}: ${last.message}`;
        reject(new DanmakuError("unavailable", `nothing was acked for two minutes (${why})`));
      }
      acked = counts.acked;
    }, WITHOUT_ACK_MS_MAX).unref();
  });
}

/** First SIGINT or SIGTERM: `stop`. Second: out at once. @returns a function that takes the handlers away. */
function onInterrupt(stop: () => void): () => void {
  let asked = false;
  const handle = (): void => {
    if (asked) process.exit(EXIT.failed);
    asked = true;
    stop();
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  return () => {
    process.off("SIGINT", handle);
    process.off("SIGTERM", handle);
  };
}

function describeProgress(playback: Playback, total: number, loop: boolean): string {
  const { published, acked, retried, lastRefusal } = playback.counts;
  const share = loop
    ? `round ${Math.ceil(published / total) || 1}`
    : `${Math.floor((100 * published) / total)} %`;
  const why = retried === 0 || lastRefusal === undefined ? "" : ` (${lastRefusal.code})`;
  return `${share}  published ${published}  acked ${acked}  in flight ${playback.inFlight}  retried ${retried}${why}`;
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].map(([reason, count]) => `${reason}: ${count}`);
  return parts.length === 0 ? String(total) : `${total} (${parts.join("; ")})`;
}
