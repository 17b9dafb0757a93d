/**
 * A process that writes to a log until it is killed: `crash-writer.fixture.ts DIR DURABILITY`. Prints `start GENERATION
 * HEAD` and then the last offset of each commit once `commit` has returned.
 */
import { writeSync } from "node:fs";
import { batchOf, runOf, span } from "../../../../core/src/ports/room-log.fixture.ts";
import { lockFolder } from "./store-lock.ts";
import { openReader } from "./store-reader.ts";
import { openWriter } from "./store-writer.ts";
import { writerOptions } from "./testing.ts";

const [dir = "", durability = ""] = process.argv.slice(2);
if (durability !== "fsync" && durability !== "os" && durability !== "none") throw new Error("durability?");
const lock = lockFolder(dir);
const writer = openWriter(writerOptions({ dir, durability, retain: 100_000 }));
const reader = openReader({ dir });
let head = reader.room("r")?.head ?? 0;
writeSync(1, `start ${writer.generation} ${head}\n`);
reader.close();
for (let commits = 0; lock.dir === dir; commits++) {
  const offsets = span(head + 1, head + 1 + ((commits * 7) % 40));
  const keys = offsets.map((offset) => ({ room: "r", uid: "u", key: `k${offset}`, offset, ts: 1 }));
  writer.commit(batchOf({ runs: [runOf("r", "e1", offsets), runOf(`other-${head}`, "e1", [1])], keys }));
  head += offsets.length;
  writeSync(1, `${head}\n`);
}
