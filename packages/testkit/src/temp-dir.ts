import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OWN_FORM = /^danmakud-test-[a-z-]+-(\d+)-\w{6}$/;
/** Processes of another container are not to be seen from here; what is younger may be theirs. */
const STALE_MS = 3_600_000;
let isSwept = false;

/** An empty folder of its own in the system's temporary folder. */
export function makeTempDir(purpose = "data"): string {
  if (!isSwept) {
    isSwept = true;
    sweepTempDirs(tmpdir());
  }
  return mkdtempSync(join(tmpdir(), `danmakud-test-${purpose}-${process.pid}-`));
}

/** Removes a folder with all it holds; does nothing where it is gone already. */
export function removeTempDir(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes what test runs that were killed have left in `parent`. @returns names of what was removed. */
export function sweepTempDirs(parent: string): readonly string[] {
  return readdirSync(parent).filter((name) => {
    const pid = OWN_FORM.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) return false;
    const path = join(parent, name);
    try {
      if (Date.now() - statSync(path).mtimeMs < STALE_MS) return false;
      removeTempDir(path);
      return true;
    } catch {
      // Another process sweeps too.
      return false;
    }
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
