import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

/** Keeps what is built for the benchmarks, outside the repository. */
export const CACHE_FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "danmakud-bench");
/**
 * How long the programs around the peers gather what is published. Longer saves CPU and adds itself to the latency;
 * shorter gains next to nothing on two cores: a pass over 2,000 viewers takes 10 to 30 ms, in which a lot gathers anyway.
 * (`ws` at 2,000/s: P99 41, 42 and 47 ms with 4, 8 and 12 ms, at 0.21, 0.18 and 0.15 µs per delivery.)
 */
export const GATHER_MS = 10;
/** The runtime that `ws` and Socket.IO are measured on: theirs, not ours. */
const NODE_MAJOR_MIN = 20;

/** Path of a file beside this one. */
export function serverFile(name: string): string {
  return join(import.meta.dirname, name);
}

/** Why Node cannot run the servers of this folder, or undefined. */
export function whyNoNode(): string | undefined {
  const version = outputOf("node", ["--version"]);
  if (version === undefined) return "no `node` on the PATH";
  const major = Number(/^v(\d+)/.exec(version)?.[1]);
  return major >= NODE_MAJOR_MIN ? undefined : `node ${version} is older than ${NODE_MAJOR_MIN}`;
}

/** What a command prints, or undefined where it cannot be run or fails. */
export function outputOf(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, [...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Runs a command that installs or builds something. Returns why it failed, or undefined. */
export function failureOf(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): string | undefined {
  const { status, stderr, error } = spawnSync(command, [...args], {
    encoding: "utf8",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  if (status === 0) return undefined;
  const said = (error?.message ?? stderr ?? "").trim().split("\n").slice(-2).join(" ");
  // Reports are published; where packages come from is the machine's own affair.
  const plain = said.replaceAll(/https?:\/\/\S+/g, "…").replaceAll(/\s+/g, " ");
  return `${command} ${args.join(" ")}: ${plain}`;
}
