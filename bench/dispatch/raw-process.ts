/** The baseline as a process. */
import { resolve } from "node:path";
import type { RawReport } from "./messages.ts";

const PROGRAM = resolve(import.meta.dir, "raw-reader.ts");

export interface RawProcess {
  readonly pid: number;
  /** The next line it prints. */
  next(): Promise<RawReport>;
  stop(): Promise<void>;
}

export function startRaw(port: number, rooms: number, expected: number, warmUp: number): RawProcess {
  const child = Bun.spawn([process.execPath, PROGRAM, port, rooms, expected, warmUp].map(String), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return {
    pid: child.pid,
    async next() {
      while (!text.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the raw reader ended early");
        text += decoder.decode(value, { stream: true });
      }
      const end = text.indexOf("\n");
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      return JSON.parse(line) as RawReport;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
