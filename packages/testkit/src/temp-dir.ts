import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty folder of its own in the system's temporary folder. */
export function makeTempDir(purpose = "data"): string {
  return mkdtempSync(join(tmpdir(), `danmakud-test-${purpose}-`));
}

/** Removes a folder with all it holds; does nothing where it is gone already. */
export function removeTempDir(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
