import { expect, test } from "bun:test";
import fc from "fast-check";
import { checkContent, checkDisplayName, DanmakuError } from "./index.ts";

function refused(text: string, rule: RegExp, max?: number): void {
  let thrown: unknown;
  try {
    checkContent(text, max);
  } catch (error) {
    thrown = error;
  }
  expect(thrown, JSON.stringify(text)).toBeInstanceOf(DanmakuError);
  expect((thrown as DanmakuError).code).toBe("invalid_message");
  expect((thrown as DanmakuError).message).toMatch(rule);
}

test("trims, and counts code points after trimming", () => {
  expect(checkContent("  666 \t\n")).toBe("666");
  expect(checkContent(`\u3000${"x".repeat(200)} `)).toHaveLength(200);
  expect(checkContent("😂".repeat(200))).toHaveLength(400);
  refused("x".repeat(201), /longer than 200/);
  refused("😂".repeat(201), /longer than 200/);
  refused(`${"😂".repeat(200)}x`, /longer than 200/);
  expect(checkContent("前".repeat(5), 5)).toHaveLength(5);
  refused("前".repeat(6), /longer than 5/, 5);
});

test("empty and blank", () => {
  for (const text of ["", " ", "\n\t", "\u3000\u00a0", "\ufeff"]) refused(text, /empty/);
});

test("control characters", () => {
  for (let c = 0; c < 0xa0; c++) {
    if (c >= 0x20 && c < 0x7f) continue;
    refused(`a${String.fromCharCode(c)}b`, /control character/);
  }
  for (let c = 0x20; c < 0x7f; c++) expect(checkContent(`a${String.fromCharCode(c)}b`)).toHaveLength(3);
});

test("lone surrogates", () => {
  for (const text of ["a\ud83d", "\ude00a", "\ud83d\ud83d\ude00", "\ude00\ud83d", "a\ud800b"])
    refused(text, /surrogate/);
});

test("separators and bidirectional controls", () => {
  refused("a\u2028b", /separator/);
  refused("a\u2029b", /separator/);
  for (let c = 0; c <= 0xffff; c++) {
    if (/\p{Bidi_Control}/u.test(String.fromCharCode(c)))
      refused(`a${String.fromCharCode(c)}b`, /bidirectional/);
  }
});

test("invisible throughout", () => {
  for (const text of [
    "\u200b",
    "\u200d\u200c",
    "\u2800",
    "\u3164",
    "\ufe0f\u200d",
    "\u00ad \u00ad",
    "\u{e0001}\u{e0020}",
    "\u{1d173}",
  ]) {
    refused(text, /invisible/);
  }
  expect(checkContent("a\u200b")).toBe("a\u200b");
  expect(checkContent("\u200b前")).toBe("\u200b前");
});

test("everything that Unicode renders as nothing is invisible, everything else is not", () => {
  const blank = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{1d159}]$/u;
  for (let point = 0x20; point <= 0x10ffff; point++) {
    const text = String.fromCodePoint(point);
    if (/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u.test(text) || text.trim() === "") continue;
    let visible = true;
    try {
      checkContent(text);
    } catch {
      visible = false;
    }
    if (visible === blank.test(text)) throw new Error(`U+${point.toString(16)} is visible: ${visible}`);
  }
});

test("joiners, selectors and tags inside emoji pass", () => {
  for (const text of ["👩‍🚀", "❤️", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👍🏽", "क्‍ष", "می‌خواهم"])
    expect(checkContent(text)).toBe(text);
});

test("any string passes unchanged but for trimming, or is refused with a code", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.nat(0xffff).map((c) => String.fromCharCode(c)), maxLength: 300 }),
      (text) => {
        try {
          const content = checkContent(text);
          expect(content).toBe(text.trim());
          expect(content.isWellFormed()).toBe(true);
          expect([...content].length).toBeLessThanOrEqual(200);
        } catch (error) {
          expect(error).toBeInstanceOf(DanmakuError);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("display names have the same rules and 32 code points", () => {
  expect(checkDisplayName(" 小明 ")).toBe("小明");
  expect(checkDisplayName("x".repeat(32))).toHaveLength(32);
  expect(() => checkDisplayName("x".repeat(33))).toThrow(/name is longer than 32/);
  expect(() => checkDisplayName("a\u202eb")).toThrow(/bidirectional/);
  expect(() => checkDisplayName("")).toThrow(/empty/);
});
