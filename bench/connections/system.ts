/** The machine and the bounds that its kernel sets. */
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";

/** Sockets of a connection: both of its ends are on this machine. */
const ENDS = 2;
/** Files that are no sockets of the run. */
const OTHER_FILES = 20_000;

/** Settings that bear on many connections; those that are missing on this kernel are left out. */
const SETTINGS = [
  "fs.file-max",
  "net.core.somaxconn",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_congestion_control",
  "net.ipv4.tcp_early_retrans",
  "net.ipv4.tcp_ehash_entries",
  "net.ipv4.tcp_max_orphans",
  "net.ipv4.tcp_mem",
  "net.ipv4.tcp_slow_start_after_idle",
  "net.netfilter.nf_conntrack_max",
  "net.netfilter.nf_conntrack_count",
] as const;

function read(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8")
      .trim()
      .replaceAll(/\s+/g, " ");
  } catch {
    return undefined;
  }
}

export function settings(): readonly (readonly [name: string, value: string])[] {
  return SETTINGS.flatMap((name) => {
    const value = read(name);
    return value === undefined ? [] : [[name, value] as const];
  });
}

export function describeMachine(): { readonly cpu: string; readonly kernel: string } {
  return { cpu: cpus()[0]?.model.trim() ?? "unknown", kernel: `Linux ${release()}` };
}

/** Throws where the kernel would refuse so many connections, with what to set. */
export function checkSystem(connections: number): void {
  const files = connections * ENDS + OTHER_FILES;
  if (Number(read("fs.file-max") ?? Number.POSITIVE_INFINITY) < files) {
    throw new Error(`the system allows too few open files: sysctl -w fs.file-max=${files}`);
  }
}

/** Throws where connections are tracked and there is no room for so many; `open` are known to be there. */
export function checkTracking(open: number, connections: number): void {
  const tracked = Number(read("net.netfilter.nf_conntrack_count") ?? 0);
  const most = Number(read("net.netfilter.nf_conntrack_max") ?? Number.POSITIVE_INFINITY);
  if (open > 0 && tracked >= open && most < connections * 1.1) {
    const wanted = Math.ceil(connections * 1.2);
    throw new Error(`the firewall tracks too few: sysctl -w net.netfilter.nf_conntrack_max=${wanted}`);
  }
}
