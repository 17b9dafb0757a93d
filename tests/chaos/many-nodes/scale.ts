/** How large the run of `many-nodes.test.ts` is. */
import { readFileSync } from "node:fs";
import { type Comment, generateComments, recordedFile } from "@danmakud/testkit";
import { checkContent } from "@danmakud/wire";

/** A comment to publish, and when, ms after the beginning. */
export interface Cue {
  readonly atMs: number;
  readonly content: string;
}

export interface Scale {
  readonly rooms: number;
  /** Over all rooms and nodes. */
  readonly viewers: number;
  /** Danmaku kept per room. */
  readonly retain: number;
  /** How long all workers stand still. */
  readonly standStillMs: number;
  /** Of each room, in order of time. */
  readonly cues: readonly Cue[];
  /** How long one step may take on a busy machine, and all of it. */
  readonly patienceMs: number;
  readonly timeoutMs: number;
}

const FULL = process.env.DANMAKUD_ACCEPTANCE === "full";
const RECORDING = "recorded-16348.xml";
const SPEED = 50;

/** Small enough for every run of the tests, unless `DANMAKUD_ACCEPTANCE=full` asks for the whole. */
export function scaleOfRun(): Scale {
  if (!FULL) {
    const cues = paced(generateComments(1_800), 30_000);
    return {
      rooms: 20,
      viewers: 120,
      retain: 700,
      standStillMs: 10_000,
      cues,
      patienceMs: 90_000,
      timeoutMs: 300_000,
    };
  }
  const file = recordedFile(RECORDING);
  if (file === undefined) console.log(`../shared/data/${RECORDING} is not here: comments are generated`);
  const cues = file === undefined ? paced(generateComments(16_348), 66_000) : recordedCues(file);
  return {
    rooms: 20,
    viewers: 600,
    retain: 6_000,
    standStillMs: 60_000,
    cues,
    patienceMs: 400_000,
    timeoutMs: 900_000,
  };
}

/** Comments over `lengthMs`. */
function paced(comments: readonly Comment[], lengthMs: number): Cue[] {
  const share = lengthMs / (comments.at(-1)?.atMs ?? 1);
  return comments.map(({ atMs, content }) => ({ atMs: atMs * share, content }));
}

/** Of a recorded file, what may be published, at `SPEED` times its speed. */
function recordedCues(file: string): Cue[] {
  const cues: Cue[] = [];
  for (const [, seconds, text] of readFileSync(file, "utf8").matchAll(
    /<d p="([\d.]+),[^"]*">([^<]*)<\/d>/g,
  )) {
    try {
      cues.push({ atMs: (Number(seconds) * 1000) / SPEED, content: checkContent(text ?? "") });
    } catch {
      // Not every comment of a recording is one that may be published.
    }
  }
  return cues.sort((a, b) => a.atMs - b.atMs);
}
