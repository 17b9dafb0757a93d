/**
 * A thread that reads room r over and over while another writes to it: checks that every offset comes exactly once, as
 * a record or in a gap, and that what it sees never goes back. Told the folder by a message; says `reading` once it has
 * read, and answers `stop` with the number of its rounds.
 */
import { decodeRecords } from "@danmakud/wire";
import { openReader } from "./store-reader.ts";

declare const self: Worker;

let stopped = false;

self.onmessage = async ({ data }: MessageEvent<string>) => {
  if (data === "stop") {
    stopped = true;
    return;
  }
  const reader = openReader({ dir: data });
  let newest = 0;
  let rounds = 0;
  for (; !stopped; rounds++) {
    const room = reader.room("r");
    if (room === undefined || room.head < newest) throw new Error("room went back");
    newest = room.head;
    let next = 0;
    while (next < newest) {
      const page = reader.read("r", next, newest, { recordsMax: 1000, bytesMax: 100_000 });
      for (const record of decodeRecords(page.bytes)) {
        const from = record.type === "gap" ? record.from : record.type === "danmaku" ? record.offset : -1;
        if (from !== next + 1) throw new Error(`${from} after ${next}`);
        if (record.type === "gap" && record.reason !== "trimmed") throw new Error(record.reason);
        next = record.type === "gap" ? record.to : from;
      }
      if (page.next !== next) throw new Error(`page ends at ${next}, not ${page.next}`);
    }
    const last = reader.positionOfLast("r", 100, newest);
    // Later than `newest - 100` where the writer has trimmed some of them meanwhile.
    if (last < newest - 100 || last > newest) throw new Error(`last 100 of ${newest} after ${last}`);
    if (rounds === 0) self.postMessage("reading");
    // Lets messages in.
    await Bun.sleep(0);
  }
  reader.close();
  self.postMessage(rounds);
};
