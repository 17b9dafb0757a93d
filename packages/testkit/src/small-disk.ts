import { makeTempDir, removeTempDir } from "./temp-dir.ts";

/** A small file system of its own, to fill up or to make read-only. */
export interface SmallDisk {
  readonly path: string;
  /** Gives it another size, bytes. */
  resize(bytes: number): void;
  setReadOnly(readOnly: boolean): void;
  /** Unmounts and removes it. */
  remove(): void;
}

/**
 * Mounts a file system of `bytes` in memory. Returns, in words, why that is not possible here (needs Linux and root)
 * instead; tests skip with it.
 */
export function mountSmallDisk(bytes: number): SmallDisk | string {
  if (process.platform !== "linux") return "small file systems are mounted on Linux only";
  const path = makeTempDir("disk");
  const mounted = mount(["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]);
  if (mounted !== "") {
    removeTempDir(path);
    return `a small file system cannot be mounted here (${mounted})`;
  }
  return {
    path,
    resize: (size) => remount(path, `size=${size}`),
    setReadOnly: (readOnly) => remount(path, readOnly ? "ro" : "rw"),
    remove: () => {
      Bun.spawnSync(["umount", "-l", path]);
      removeTempDir(path);
    },
  };
}

function remount(path: string, options: string): void {
  const fault = mount(["-o", `remount,${options}`, path]);
  if (fault !== "") throw new Error(`remount of ${path} failed: ${fault}`);
}

/** Empty where it worked, else what `mount` said. */
function mount(args: readonly string[]): string {
  const result = Bun.spawnSync(["mount", ...args]);
  return result.success ? "" : result.stderr.toString().trim() || `exit ${result.exitCode}`;
}
