import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StoreError, type StoreErrorKind } from "@danmakud/core/ports";
import type { LogUnderTest, LogUnderTestOptions } from "../../../../core/src/ports/room-log.fixture.ts";
import { openReader } from "./store-reader.ts";
import { openWriter, type WriterOptions } from "./store-writer.ts";

/** An empty folder. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "danmakud-log-"));
}

/** Settings for tests; `dir` is needed. */
export function writerOptions(options: Partial<WriterOptions> & { readonly dir: string }): WriterOptions {
  return {
    durability: "os",
    retain: 1000,
    burn: 500,
    bootId: "boot-1",
    now: () => 1_700_000_000_000,
    ...options,
  };
}

/** The embedded log for the contract suite. A crash: the writer is abandoned, which leaves the file as a kill does. */
export function openLogUnderTest(options: LogUnderTestOptions): LogUnderTest {
  const dir = temporaryFolder();
  let writer = openWriter(writerOptions({ dir, ...options }));
  let reader = openReader({ dir });
  return {
    get writer() {
      return writer;
    },
    get reader() {
      return reader;
    },
    async restart(how) {
      reader.close();
      if (how === "clean") writer.close();
      writer = openWriter(writerOptions({ dir, ...options }));
      reader = openReader({ dir });
    },
    async dispose() {
      reader.close();
      writer.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A small disk of its own. */
export interface SmallDisk {
  readonly dir: string;
  /** Makes it writable or not. */
  setReadOnly(readOnly: boolean): void;
  /** Unmounts and deletes it. */
  dispose(): void;
}

/** A file system in memory of so many bytes; undefined where this process may not mount one. */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const dir = temporaryFolder();
  if (!run(["mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", dir])) {
    rmSync(dir, { recursive: true, force: true });
    return undefined;
  }
  return {
    dir,
    setReadOnly(readOnly) {
      if (!run(["mount", "-o", `remount,${readOnly ? "ro" : "rw"}`, dir])) throw new Error("remount failed");
    },
    dispose() {
      run(["umount", "-l", dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Whether small disks can be mounted here; says once why tests are left out if not. */
export function canMount(): boolean {
  const disk = smallDisk(1 << 20);
  disk?.dispose();
  if (disk === undefined) console.warn("left out: tests on a small file system, which only root can mount");
  return disk !== undefined;
}

function run(command: string[]): boolean {
  return Bun.which(command[0] ?? "") !== null && Bun.spawnSync(command, { stderr: "ignore" }).exitCode === 0;
}

/** The kind of the `StoreError` that `work` throws; anything else it throws is passed on, "none" if it does not throw. */
export function errorKind(work: () => void): StoreErrorKind | "none" {
  try {
    work();
    return "none";
  } catch (error) {
    if (error instanceof StoreError) return error.kind;
    throw error;
  }
}
