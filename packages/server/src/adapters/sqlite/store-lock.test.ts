import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockFolder } from "./store-lock.ts";
import { errorKind, temporaryFolder } from "./testing.ts";

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const LOCK_CHILD = `
import { lockFolder } from ${JSON.stringify(join(import.meta.dir, "store-lock.ts"))};
lockFolder(process.argv[1]);
Bun.gc(true);
console.log("held");
setInterval(() => Bun.gc(true), 10);
`;

test("a folder is made, held, refused to a second holder, and let go", () => {
  const nested = join(dir, "a", "b");
  const lock = lockFolder(nested);
  expect(lock.dir).toBe(nested);
  expect(existsSync(nested)).toBe(true);
  expect(errorKind(() => lockFolder(nested))).toBe("in_use");
  expect(() => lockFolder(nested)).toThrow(/is in use. Stop the other danmakud, or choose another folder/);
  lock.release();
  lock.release();
  const again = lockFolder(nested);
  expect(errorKind(() => lockFolder(nested))).toBe("in_use");
  again.release();
});

test("another process holds the folder until it ends, also by kill -9", async () => {
  const child = Bun.spawn([process.execPath, "-e", LOCK_CHILD, dir], { stdout: "pipe" });
  const reader = child.stdout.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("held\n");
  expect(errorKind(() => lockFolder(dir))).toBe("in_use");
  child.kill("SIGKILL");
  await child.exited;
  lockFolder(dir).release();
});

test("a file in the place of the folder is a clear error", () => {
  const path = join(dir, "file");
  writeFileSync(path, "");
  expect(errorKind(() => lockFolder(path))).toBe("io");
  expect(errorKind(() => lockFolder(join(path, "below")))).toBe("io");
});

test("a lock file with something else in it is a clear error", () => {
  writeFileSync(join(dir, "danmakud.lock"), "not a database");
  expect(() => lockFolder(dir)).toThrow(/danmakud.lock is not a lock file of danmakud. Remove it/);
});
