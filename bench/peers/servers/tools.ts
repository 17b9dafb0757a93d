import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";

/** Keeps what is built for the benchmarks, outside the repository. */
export const CACHE_FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "danmakud-bench");
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
  return `${command} ${args.join(" ")}: ${said.replaceAll(/\s+/g, " ")}`;
}
