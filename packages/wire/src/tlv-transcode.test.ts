import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  checkContent,
  decodeRecord,
  encodeRecord,
  isPlainPublish,
  type PublishRecord,
  parseClientTlv,
  publishKeyBytes,
  publishKeyStart,
  transcodedStride,
  transcodePublish,
} from "./index.ts";

const uid = new TextEncoder().encode("user-7");
const frame = new Uint8Array(8192);
const into = new Uint8Array(8192);

function encoded(record: PublishRecord): Uint8Array {
  return frame.subarray(0, encodeRecord(record, frame, 0));
}

const publish = (fields: Partial<PublishRecord>): PublishRecord => ({
  type: "publish",
  id: 1,
  content: "hello",
  mode: "scroll",
  color: "#ffffff",
  size: 25,
  ...fields,
});

describe("the short way of a publish", () => {
  const characters = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(..."abcXYZ019!? 你好弹幕テストあ") },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "\u3000",
        "\u3164",
        "\u0007",
        "é",
        "😀",
        "\u200b",
        "\u2028",
        "\u7f00",
        "\u007f",
        "。",
      ),
    },
  );

  test("takes only what the long way takes, and makes the same danmaku of it", () => {
    const records = fc.record({
      content: fc.array(characters, { minLength: 1, maxLength: 210 }).map((parts) => parts.join("")),
      mode: fc.constantFrom("scroll", "reverse", "top", "bottom"),
      size: fc.integer({ min: 12, max: 64 }),
      color: fc.constantFrom("#000000", "#ffffff", "#12ab34"),
      key: fc.option(fc.constantFrom("k", "a-long-key-0123456789", "schlüssel"), { nil: undefined }),
    });
    let plain = 0;
    fc.assert(
      fc.property(records, fc.integer({ min: 0, max: 2 }), ({ key, ...fields }, classCode) => {
        const bytes = encoded(
          publish({ ...(fields as Partial<PublishRecord>), ...(key === undefined ? {} : { key }) }),
        );
        const [message] = parseClientTlv(bytes, "viewer");
        if (!isPlainPublish(bytes, 0, 200)) return;
        plain++;
        expect(message?.kind).toBe("publish");
        expect(checkContent(fields.content)).toBe(fields.content);
        const start = publishKeyStart(0);
        expect(new TextDecoder().decode(bytes.subarray(start, start + publishKeyBytes(bytes, 0)))).toBe(
          key ?? "",
        );
        const end = transcodePublish(bytes, 0, into, 16, uid, classCode);
        expect(end - 16).toBe(transcodedStride(bytes, 0, uid.length));
        expect(decodeRecord(into, 16)).toMatchObject({ ...fields, uid: "user-7", offset: 0, ts: 0 });
      }),
      { numRuns: 3000 },
    );
    expect(plain).toBeGreaterThan(300);
  });

  test.each([
    ["over the limit", { content: "x".repeat(201) }],
    ["a space at an end", { content: "x " }],
    ["a control character", { content: "a\u0007b" }],
    ["ideographic space", { content: "\u3000" }],
    ["another's uid", { uid: "other" }],
    ["a class", { class: "paid" }],
    ["a time", { delayMs: 5 }],
  ] as const)("leaves %s to the long way", (_, fields) => {
    expect(isPlainPublish(encoded(publish(fields as Partial<PublishRecord>)), 0, 200)).toBe(false);
  });

  test("never takes random bytes that the long way refuses", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (bytes) => {
        const record = bytes.slice(0, bytes.length & ~3);
        record[0] = record.length;
        record[1] = 0;
        record[2] = ((record[2] as number) & 0xe0) | 9;
        if (!isPlainPublish(record, 0, 200)) return;
        expect(parseClientTlv(record, "viewer")[0]?.kind).toBe("publish");
      }),
      { numRuns: 5000 },
    );
  });
});
