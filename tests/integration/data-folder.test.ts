import { Database } from "bun:sqlite";
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CommandResult,
  freePort,
  makeTempDir,
  mountSmallDisk,
  RoomApi,
  removeTempDir,
  runDanmakud,
  startNode,
  TEST_LIMIT_MS,
} from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

const folders: string[] = [];
afterAll(() => folders.forEach(removeTempDir));

/** Starts a node on a folder it cannot use, and returns how it ended. */
async function refused(dataDir: string): Promise<CommandResult> {
  const ports = ["--port", String(await freePort()), "--admin-listen", "off", "--grpc-port", "0"];
  return await runDanmakud(["serve", "--dev", "--demo", "off", "--data", dataDir, ...ports]);
}

/** One clear error: it says what is wrong and where, and no stack. */
function expectOneClearError(result: CommandResult, what: RegExp, where: string): void {
  expect(result.code).not.toBe(0);
  const lines = `${result.stdout}${result.stderr}`.split("\n").filter((line) => line.trim() !== "");
  expect(lines.join("\n")).toMatch(what);
  expect(lines.join("\n")).toContain(where);
  expect(lines.join("\n")).not.toMatch(/^\s+at .*[:(]|node_modules/m);
  expect(lines).toHaveLength(1);
}

/** A folder that a node has used and left cleanly, with one danmaku in room `kept`. */
async function usedFolder(): Promise<string> {
  const dataDir = makeTempDir("used");
  folders.push(dataDir);
  await using node = await startNode({ dataDir });
  await new RoomApi(node.url, "kept").mustPublish({ uid: "u", content: "kept" });
  return dataDir;
}

/** The file that holds the log. */
function logFile(dataDir: string): string {
  const name = readdirSync(dataDir).find((file) => file.endsWith(".db"));
  if (name === undefined) throw new Error(`no database among ${readdirSync(dataDir).join(", ")}`);
  return join(dataDir, name);
}

describe("a folder that cannot be used gives one clear error", () => {
  test("a second process on it, and the first is not disturbed", async () => {
    await using first = await startNode();
    expectOneClearError(await refused(first.dataDir), /in use|another|already/i, first.dataDir);
    await new RoomApi(first.url, "room").mustPublish({ uid: "u", content: "still here" });
  });

  test("a log written by a newer version", async () => {
    const dataDir = await usedFolder();
    const database = new Database(logFile(dataDir));
    database.run("PRAGMA user_version = 9999");
    database.close();
    expectOneClearError(await refused(dataDir), /newer/i, dataDir);
  });

  test("a damaged log", async () => {
    const dataDir = await usedFolder();
    writeFileSync(logFile(dataDir), "this is no database, and it never was one. ".repeat(500));
    expectOneClearError(await refused(dataDir), /damaged|corrupt|not a database/i, dataDir);
  });

  test("a file where the folder should be", async () => {
    const parent = makeTempDir("file");
    folders.push(parent);
    const path = join(parent, "data");
    writeFileSync(path, "");
    expectOneClearError(await refused(path), /folder|directory|file/i, path);
  });

  test("a folder that cannot be written", async () => {
    const disk = mountSmallDisk(16 * 1024 * 1024);
    if (typeof disk !== "string") {
      disk.setReadOnly(true);
      const result = await refused(disk.path).finally(() => disk.remove());
      expectOneClearError(result, /read-only|not writable|permission|cannot write/i, disk.path);
    } else if (process.getuid?.() !== 0) {
      const dataDir = makeTempDir("read-only");
      folders.push(dataDir);
      chmodSync(dataDir, 0o555);
      expectOneClearError(await refused(dataDir), /read-only|not writable|permission|cannot write/i, dataDir);
    } else {
      console.log(`left out: a read-only folder; ${disk}`);
    }
  });
});

test("a folder that is given back serves the next process", async () => {
  const dataDir = await usedFolder();
  await using node = await startNode({ dataDir });
  expect((await new RoomApi(node.url, "kept").all()).map((record) => record.content)).toEqual(["kept"]);
});

test("a folder that was lost is a new life: same rooms, other epochs", async () => {
  await using node = await startNode();
  const api = new RoomApi(node.url, "room");
  const before = await api.mustPublish({ uid: "u", content: "before" });
  await node.kill("SIGTERM");
  for (const name of readdirSync(node.dataDir)) rmSync(join(node.dataDir, name), { recursive: true });
  await node.restart();
  const after = await api.mustPublish({ uid: "u", content: "after" });
  expect(after.epoch).not.toBe(before.epoch);
});
