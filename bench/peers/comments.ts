/** Comments like those of people: the recording that comes with the server, in a loop, by very many writers. */
import { readFileSync } from "node:fs";
import type { PublishRecord } from "@danmakud/wire";

const FILE = new URL("../../packages/server/src/demo/recording.jsonl", import.meta.url);
const WRITERS = 50_000;
/** Prime, so that a writer seldom comes twice in a while. */
const WRITER_STEP = 7919;

type Comment = Pick<PublishRecord, "content" | "mode" | "color" | "size">;

let recording: readonly Comment[] | undefined;

/** What the `number`-th comment of the loop has in the fields of a publish. */
export function commentOf(number: number): Comment & { readonly uid: string } {
  recording ??= readFileSync(FILE, "utf8").trim().split("\n").map(parse);
  const comment = recording[number % recording.length] as Comment;
  return { ...comment, uid: `u${100_000 + ((number * WRITER_STEP) % WRITERS)}` };
}

function parse(line: string): Comment {
  const { content, mode, color, size } = JSON.parse(line) as Required<Comment>;
  return { content, mode, color, size };
}
