import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { decodeRecords } from "@danmakud/wire";
import { batchOf, NO_LIMITS, runOf } from "../../../../core/src/ports/room-log.fixture.ts";
import { openReader } from "./store-reader.ts";
import { openWriter } from "./store-writer.ts";
import { temporaryFolder, writerOptions } from "./testing.ts";

const FIXTURE = join(import.meta.dir, "crash-writer.fixture.ts");
const BURN = 500;

/** Runs the writing process until it has said so many lines, kills it, and returns what it said. */
async function writeAndKill(dir: string, durability: string, lines: number): Promise<string[]> {
  const child = Bun.spawn([process.execPath, FIXTURE, dir, durability], { stdout: "pipe" });
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    if (said.split("\n").length > lines) child.kill("SIGKILL");
  }
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  return said.split("\n").slice(0, -1);
}

for (const durability of ["fsync", "os", "none"] as const) {
  test(`kill -9 again and again, durability ${durability}: committed is stored, no offset comes twice`, async () => {
    const dir = temporaryFolder();
    const acked: [number, number][] = [];
    let stored = 0;
    for (let kill = 0; kill < 4; kill++) {
      const [start = "", ...heads] = await writeAndKill(dir, durability, 5 + kill * 40);
      const [, generation, head] = start.split(" ");
      expect(Number(generation)).toBe(kill);
      if (kill > 0) expect(Number(head)).toBeGreaterThanOrEqual(stored + BURN);
      stored = Number(heads.at(-1));
      acked.push([Number(head) + 1, stored]);
    }

    const writer = openWriter(writerOptions({ dir, durability }));
    expect(writer.generation).toBe(4);
    const reader = openReader({ dir });
    const head = reader.room("r")?.head ?? 0;
    expect(head).toBeGreaterThanOrEqual(stored + BURN);
    const page = reader.read("r", 0, head, NO_LIMITS);
    const offsets = decodeRecords(page.bytes).flatMap((r) => (r.type === "danmaku" ? [r.offset] : []));
    const seen = new Set(offsets);
    expect(seen.size).toBe(offsets.length);
    for (const [from, to] of acked) {
      for (let offset = from; offset <= to; offset++)
        if (!seen.has(offset)) throw new Error(`${offset} is lost`);
    }
    // Keys and records were stored together or not at all.
    expect([...reader.keys("r", 0, 1_000_000)].map((key) => key.offset)).toEqual(offsets);
    writer.commit(batchOf({ runs: [runOf("r", "e1", [head + 1])] }));
    reader.close();
    writer.close();
    const after = openWriter(writerOptions({ dir, durability }));
    expect([after.generation, after.unclean]).toEqual([4, false]);
    after.close();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);
}

test("a writing thread that is ended lets go of the log at once", async () => {
  const dir = temporaryFolder();
  const script = `
    import { Database } from "bun:sqlite";
    const db = new Database(${JSON.stringify(join(dir, "danmakud.db"))});
    db.run("BEGIN IMMEDIATE");
    db.run("UPDATE meta SET running = 1");
    postMessage("writing");
    for (;;) {}
  `;
  openWriter(writerOptions({ dir }));
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(url);
  await new Promise((resolve) => worker.addEventListener("message", resolve, { once: true }));
  worker.terminate();
  const writer = openWriter(writerOptions({ dir }));
  expect(writer.generation).toBe(1);
  writer.close();
  rmSync(dir, { recursive: true, force: true });
}, 20_000);
