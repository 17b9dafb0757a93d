import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { type DanmakuRecord, encodeRecord } from "./index.ts";
import { typicalComments } from "./typical-comments.fixture.ts";

/** 1 − bytes of TLV / bytes of JSON. */
function saving(records: readonly DanmakuRecord[]): number {
  const bytes = new Uint8Array(64 * 1024);
  let tlv = 0;
  let json = 0;
  for (const record of records) {
    tlv += encodeRecord(record, bytes, 0);
    json += Buffer.byteLength(JSON.stringify(record));
  }
  return 1 - tlv / json;
}

test("typical comments are at least 62 % smaller than in JSON", () => {
  expect(saving(typicalComments(5000))).toBeGreaterThanOrEqual(0.62);
});

const recordings = ["recorded-16348.xml", "recorded-1783.xml"];
for (const file of recordings) {
  const url = new URL(`../../../../shared/data/${file}`, import.meta.url);
  const present = existsSync(url);
  if (!present) console.log(`skipped: ${file} is not beside the repository (../shared/data)`);
  test.skipIf(!present)(`${file}: recorded comments are at least 62 % smaller than in JSON`, () => {
    const records: DanmakuRecord[] = [];
    for (const [, fields, content] of readFileSync(url, "utf8").matchAll(/<d p="([^"]*)">([^<]*)<\/d>/g)) {
      const [, , size, color, , , uid] = fields!.split(",");
      const points = [...content!.trim()].length;
      if (points === 0 || points > 200) continue;
      records.push({
        type: "danmaku",
        offset: 10_000 + records.length,
        ts: 1_700_000_000_000 + 37 * records.length,
        uid: uid!,
        content: content!.trim(),
        mode: "scroll",
        color: `#${(Number(color) & 0xffffff).toString(16).padStart(6, "0")}`,
        size: Math.min(64, Math.max(12, Number(size))),
        class: "normal",
      });
    }
    expect(records.length).toBeGreaterThan(100);
    expect(saving(records)).toBeGreaterThanOrEqual(0.62);
  });
}
