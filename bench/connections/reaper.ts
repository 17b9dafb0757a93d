/**
 * Cleans up after a run that ends in whatever way, `kill -9` included: a small shell that waits for the end of its
 * input, which is the end of whoever started it, then ends the processes it was told of and removes the folder. A
 * process is ended only while its command line still names the folder, so that a number used again hits nobody else.
 */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileSink, Subprocess } from "bun";

const SCRIPT = `
trap '' HUP INT TERM
pids=
while read -r pid; do pids="$pids $pid"; done
for pid in $pids; do
  grep -qF "$0" "/proc/$pid/cmdline" 2>/dev/null && kill -KILL "$pid"
done
rm -rf "$0"
`;

export class Reaper {
  /** Folder for what the run writes; gone afterwards. */
  readonly folder = mkdtempSync(join(tmpdir(), "danmakud-connections-"));
  readonly #shell: Subprocess<"pipe", "ignore", "ignore">;
  readonly #stdin: FileSink;

  constructor() {
    this.#shell = Bun.spawn(["sh", "-c", SCRIPT, this.folder], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
      // A group of its own: Ctrl-C in a terminal is not for it.
      detached: true,
    });
    this.#stdin = this.#shell.stdin;
  }

  /** The process must have the folder in its command line. */
  watch(pid: number): void {
    this.#stdin.write(`${pid}\n`);
    this.#stdin.flush();
  }

  /** Ends what is still there and removes the folder. */
  async finish(): Promise<void> {
    await this.#stdin.end();
    await this.#shell.exited;
    if (existsSync(this.folder)) throw new Error(`${this.folder} could not be removed`);
  }
}
