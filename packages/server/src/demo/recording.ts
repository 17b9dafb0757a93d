/** The bundled recording: comments of our own writing on one imagined evening at a lake, in the order they are shown. */
import { type Draft, parseDraft } from "@danmakud/wire";

/** One recorded comment. `draft.uid` is its writer. */
export interface RecordedComment {
  /** From the start of the recording. */
  readonly atMs: number;
  readonly draft: Draft;
}

/**
 * Reads a recording: one JSON object a line, `atMs` and the fields of a publish.
 * @throws Error where a line is no comment; the file is ours, so that is our own mistake
 */
export function parseRecording(text: string): readonly RecordedComment[] {
  const comments: RecordedComment[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const { atMs, ...fields } = JSON.parse(line) as { readonly atMs?: unknown };
    if (typeof atMs !== "number" || atMs < (comments.at(-1)?.atMs ?? 0)) {
      throw new Error(`line ${index + 1} of the recording has no atMs, or one before its predecessor's`);
    }
    comments.push({ atMs, draft: parseDraft(fields, "service") });
  }
  return comments;
}

/** The recording that comes with the server. */
export async function loadRecording(): Promise<readonly RecordedComment[]> {
  return parseRecording(await Bun.file(new URL("./recording.jsonl", import.meta.url)).text());
}
