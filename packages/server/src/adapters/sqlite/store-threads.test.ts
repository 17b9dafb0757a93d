import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { batchOf, runOf, span } from "../../../../core/src/ports/room-log.fixture.ts";
import { openWriter } from "./store-writer.ts";
import { temporaryFolder, writerOptions } from "./testing.ts";

const nextMessage = (worker: Worker): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.onmessage = (event) => resolve(event.data);
    worker.onerror = (event) => reject(new Error(event.message));
  });

test("readers on other threads see whole states while the writer writes and trims, and do not stop it", async () => {
  const dir = temporaryFolder();
  const writer = openWriter(writerOptions({ dir, retain: 1000 }));
  writer.commit(batchOf({ runs: [runOf("r", "e1", span(1, 200))] }));
  const readers = [1, 2].map(() => new Worker(new URL("./reading-thread.fixture.ts", import.meta.url).href));
  const reading = readers.map(nextMessage);
  for (const reader of readers) reader.postMessage(dir);
  expect(await Promise.all(reading)).toEqual(["reading", "reading"]);
  const done = readers.map(nextMessage);
  let head = 200;
  for (let commits = 0; commits < 400; commits++) {
    const size = 1 + ((commits * 37) % 120);
    writer.commit(batchOf({ runs: [runOf("r", "e1", span(head + 1, head + size))] }));
    head += size;
    if (commits % 50 === 0) await Bun.sleep(0);
  }
  for (const reader of readers) reader.postMessage("stop");
  for (const rounds of await Promise.all(done)) expect(Number(rounds)).toBeGreaterThan(0);
  for (const reader of readers) reader.terminate();
  writer.close();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);
