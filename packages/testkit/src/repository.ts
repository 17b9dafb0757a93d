import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** Root folder of the repository. */
export const REPOSITORY_ROOT = resolve(import.meta.dir, "../../..");

/** The command line of danmakud, as users start it. */
export const DANMAKUD_COMMAND = resolve(REPOSITORY_ROOT, "scripts/danmakud");

/**
 * Path of a recorded comment file that may lie beside the repository (`../shared/data`), or undefined. The recordings
 * are not part of the repository; tests that like them fall back to generated comments.
 */
export function recordedFile(name: string): string | undefined {
  const path = resolve(REPOSITORY_ROOT, "../shared/data", name);
  return existsSync(path) ? path : undefined;
}
