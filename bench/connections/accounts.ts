/** What memory and time went to, from /proc (proc(5)). Linux only. */
import { readFileSync } from "node:fs";

const PAGE_BYTES = 4096;
const KIB = 1024;

/** Numbers of a file with a `Name:  123 kB` per line. */
function fields(path: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const match = /^([^:]+):\s+(\d+)/.exec(line);
    if (match !== null) found.set(match[1] ?? "", Number(match[2]));
  }
  return found;
}

/** Private anonymous memory of processes, bytes: heaps and stacks, without what they map from files. */
export function anonymousBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (fields(`/proc/${pid}/status`).get("RssAnon") ?? 0) * KIB, 0);
}

/** Memory that a new program could have, bytes. */
export function availableBytes(): number {
  return (fields("/proc/meminfo").get("MemAvailable") ?? 0) * KIB;
}

/** Caches of file systems: they come and go with whatever files anybody on the machine reads. */
const FILE_CACHES =
  /^(ext4_|jbd2_|buffer_head|radix_tree_node|proc_inode|shmem_inode|inode_cache|kernfs_|ovl_)/;

/** Memory of the kernel that grows with processes and connections, bytes. */
export interface KernelMemory {
  /** Objects: sockets, files, epoll entries. Without caches of files, where we may look at each cache. */
  readonly slab: number;
  /** Stacks of the kernel's side of threads, and page tables. */
  readonly tasks: number;
  /** What TCP has in socket buffers. */
  readonly buffers: number;
}

export function kernelMemory(): KernelMemory {
  const memory = fields("/proc/meminfo");
  const kib = (name: string) => (memory.get(name) ?? 0) * KIB;
  const buffers = /^TCP:.* mem (\d+)/m.exec(readFileSync("/proc/net/sockstat", "utf8"));
  let fileCaches = 0;
  for (const [name, bytes] of slabCaches()) if (FILE_CACHES.test(name)) fileCaches += bytes;
  return {
    slab: kib("Slab") - fileCaches,
    tasks: kib("KernelStack") + kib("PageTables"),
    buffers: Number(buffers?.[1] ?? 0) * PAGE_BYTES,
  };
}

export const sumOf = ({ slab, tasks, buffers }: KernelMemory): number => slab + tasks + buffers;

/** Bytes by name of the kernel's caches; empty where we may not look (only root may). */
export function slabCaches(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let text: string;
  try {
    text = readFileSync("/proc/slabinfo", "utf8");
  } catch {
    return found;
  }
  // name active objects size perSlab pagesPerSlab : tunables … : slabdata activeSlabs slabs shared
  for (const line of text.split("\n").slice(2)) {
    const parts = line.split(/\s+/);
    if (parts.length > 14) found.set(parts[0] ?? "", Number(parts[14]) * Number(parts[5]) * PAGE_BYTES);
  }
  return found;
}

/** Time of all cores since the start, in ticks. */
export function machineTimes(): { readonly busy: number; readonly all: number } {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "";
  const times = line.split(/\s+/).slice(1, 9).map(Number);
  const all = times.reduce((sum, time) => sum + time, 0);
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) };
}

/** Soft limit of open files of this process, which its children inherit. */
export function descriptorLimit(): number {
  const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return Number(line?.[1] ?? 1024);
}
