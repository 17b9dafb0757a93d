import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogUnderTest, LogUnderTestOptions } from "../../../../core/src/ports/room-log.contract.ts";
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
