import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import {
  DanmakuError,
  decodeRecord,
  encodeRecord,
  parseServerText,
  recordToJson,
  type WireRecord,
} from "./index.ts";

const folder = new URL("../vectors/", import.meta.url);

interface Vector {
  readonly name: string;
  readonly record: WireRecord;
  readonly hex: string;
}

function read<T>(file: string): T[] {
  return JSON.parse(readFileSync(new URL(file, folder), "utf8"));
}

const files = readdirSync(folder).filter((file) => file.endsWith(".json") && file !== "malformed.json");

test("there are vectors for every record type", () => {
  const types = new Set(files.flatMap((file) => read<Vector>(file).map(({ record }) => record.type)));
  expect(types.size).toBe(11);
});

for (const file of files) {
  for (const { name, record, hex } of read<Vector>(file)) {
    test(`${file}: ${name}`, () => {
      const bytes = new Uint8Array(2048).fill(0xaa);
      const end = encodeRecord(record, bytes, 4);
      expect(Buffer.from(bytes.subarray(4, end)).toString("hex")).toBe(hex);
      expect(bytes[end]).toBe(0xaa);
      expect(decodeRecord(Uint8Array.fromHex(hex), 0)).toEqual(record);
      if (record.type !== "publish" && record.type !== "ping") {
        const text = recordToJson(Uint8Array.fromHex(hex), 0);
        expect(JSON.parse(text)).toEqual(record);
        expect(parseServerText(`[${text}]`)).toEqual([record]);
      }
    });
  }
}

for (const { name, hex } of read<{ name: string; hex: string }>("malformed.json")) {
  test(`malformed.json: ${name}`, () => {
    let thrown: unknown;
    try {
      decodeRecord(Uint8Array.fromHex(hex), 0);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DanmakuError);
    expect((thrown as DanmakuError).code).toBe("invalid_message");
  });
}
