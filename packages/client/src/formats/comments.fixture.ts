/** Comments as danmakud lets them pass, for property tests of the formats. */
import { checkContent, MODES } from "@danmakud/wire";
import fc from "fast-check";
import type { RecordedComment } from "./recorded.ts";

const piece = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom(
    "\\N",
    "\\",
    "{",
    "}",
    "{\\an8}",
    "]]>",
    "<![CDATA[",
    "&amp;",
    "&",
    "<d p=",
    "\u2060",
    "，,",
    "弹幕",
    "👩‍👩‍👧",
  ),
);

/** Texts that pass the rules for content, with much of what formats have a meaning of their own for. */
export const contents: fc.Arbitrary<string> = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => {
    try {
      return checkContent(pieces.join(""));
    } catch {
      return "666";
    }
  });

/** One comment at some time within an hour. */
export const comments: fc.Arbitrary<RecordedComment> = fc.record({
  atMs: fc.nat(3_600_000),
  uid: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
  content: contents,
  mode: fc.constantFrom(...MODES),
  color: fc.nat(0xffffff).map((color) => `#${color.toString(16).padStart(6, "0")}`),
  size: fc.integer({ min: 12, max: 64 }),
});

/** A recording in order of time. */
export const recordings: fc.Arbitrary<RecordedComment[]> = fc
  .array(comments, { maxLength: 40 })
  .map((list) => list.sort((a, b) => a.atMs - b.atMs));
