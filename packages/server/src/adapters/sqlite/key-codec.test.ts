import { expect, test } from "bun:test";
import fc from "fast-check";
import { KeyPacker, unpackKeys } from "./key-codec.ts";
import { KEYS_PER_ROW_MAX } from "./limits.ts";

const packer = new KeyPacker();
const number = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const text = fc
  .string({ unit: "binary", maxLength: 63 })
  .filter((s) => s.isWellFormed() && Buffer.byteLength(s) < 256);
const keys = fc.array(
  fc.record({ room: fc.constant("r"), uid: text, key: text, offset: number, ts: number }),
  {
    maxLength: KEYS_PER_ROW_MAX,
  },
);

test("any keys come back", () => {
  fc.assert(
    fc.property(keys, (list) => {
      const expected = list.map(({ uid, key, offset, ts }) => ({ uid, key, offset, ts }));
      expect(unpackKeys(packer.pack(list, 0, list.length))).toEqual(expected);
    }),
  );
});

test("a usual key costs a few bytes beyond its text", () => {
  const list = Array.from({ length: 100 }, (_, i) => {
    return { room: "r", uid: "u1234", key: `key-${100 + i}`, offset: 5000 + i, ts: 1_700_000_000_000 + i };
  });
  expect(packer.pack(list, 0, 100).length / 100).toBeLessThanOrEqual(5 + 7 + 4.2);
});

test("a row of the longest texts fits, a longer text is refused", () => {
  const key = { room: "r", uid: "u".repeat(255), key: "k".repeat(255), offset: 2 ** 48 - 1, ts: 2 ** 48 - 1 };
  const list = Array.from({ length: KEYS_PER_ROW_MAX }, (_, i) =>
    i % 2 === 0 ? key : { ...key, offset: 0, ts: 0 },
  );
  expect(unpackKeys(packer.pack(list, 0, list.length))).toHaveLength(KEYS_PER_ROW_MAX);
  expect(() => packer.pack([{ ...key, uid: "u".repeat(256) }], 0, 1)).toThrow(RangeError);
});

test("any bytes give keys or a coded error, never a read outside", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        unpackKeys(bytes);
      } catch (error) {
        expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
      }
    }),
  );
});
