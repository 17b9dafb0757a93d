/**
 * A network of the run's own (network_namespaces(7)), where we may make one: its connections and sysctls meet nobody
 * else's, and the kernel's table of connections can be sized for them. The system's own has a few hundred thousand
 * buckets; with 22 connections in each, a delivery was measured to cost half as much again.
 */
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Run } from "../harness/scenario.ts";
import type { Reaper } from "./reaper.ts";

const PROGRAM = resolve(import.meta.dir, "../main.ts");
/** So that a look-up rarely passes another socket, each of which is some cache lines away. */
const BUCKETS_PER_SOCKET = 4;
/** Buckets that the next namespace gets. */
const BUCKETS = "/proc/sys/net/ipv4/tcp_child_ehash_entries";
const ENTER_MS_MAX = 5000;
/**
 * What a server of very many and mostly quiet connections would set, each only where the kernel knows it: no timers for
 * pacing (bbr) and lost tails, no slow start after each pause.
 */
const SYSCTLS: readonly (readonly [name: string, value: string])[] = [
  ["net.ipv4.tcp_congestion_control", "reno"],
  ["net.ipv4.tcp_early_retrans", "0"],
  ["net.ipv4.tcp_slow_start_after_idle", "0"],
];
/** Loopback is down in a new namespace. */
const SCRIPT = [
  ...SYSCTLS.map(
    ([name, value]) => `{ echo ${value} > /proc/sys/${name.replaceAll(".", "/")}; } 2>/dev/null`,
  ),
  'ip link set lo up && exec "$0" "$@"',
].join("\n");

/** Why there can be no namespace, or undefined. */
export function namespaceObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "only root may make one";
  for (const tool of ["unshare", "ip"]) if (Bun.which(tool) === null) return `${tool} is not installed`;
  return undefined;
}

/** Runs the benchmark in a namespace with a table for so many connections, both ends of each in it. */
export async function runInNamespace(
  args: readonly string[],
  connections: number,
  reaper: Reaper,
): Promise<readonly Run[]> {
  const json = join(reaper.folder, "runs.json");
  const command = [process.execPath, PROGRAM, ...args, "--json", json];
  const before = readFileSync(BUCKETS, "utf8");
  writeFileSync(BUCKETS, String(2 ** Math.ceil(Math.log2(BUCKETS_PER_SOCKET * 2 * connections))));
  try {
    const child = Bun.spawn(["unshare", "--net", "sh", "-c", SCRIPT, ...command], {
      stdin: "ignore",
      // Its table is ours to print; what it says goes to standard error.
      stdout: "ignore",
      stderr: "inherit",
    });
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    // To the end of the process, as the report is still to be written when the child is gone.
    process.on("SIGINT", forward).on("SIGTERM", forward);
    reaper.watch(child.pid);
    await entered(child.pid, () => child.exitCode !== null);
    writeFileSync(BUCKETS, before);
    const code = await child.exited;
    if (code !== 0) throw new Error(`the run in its namespace ended with ${code}`);
    return (JSON.parse(readFileSync(json, "utf8")) as { runs: Run[] }).runs;
  } finally {
    writeFileSync(BUCKETS, before);
  }
}

/** Resolves when the process has left our namespace, or is gone. */
async function entered(pid: number, isOver: () => boolean): Promise<void> {
  const ours = readlinkSync("/proc/self/ns/net");
  const deadline = performance.now() + ENTER_MS_MAX;
  while (!isOver() && performance.now() < deadline) {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== ours) return;
    await Bun.sleep(1);
  }
}
