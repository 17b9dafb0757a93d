import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isUid, MODES, SIZE_MAX, SIZE_MIN } from "@danmakud/wire";
import fc from "fast-check";
import { readBilibiliXml } from "./bilibili-xml.ts";

const entry = (p: string, text: string): string => `<d p="${p}">${text}</d>`;
const good = entry("1.5,1,25,16777215,0,0,u1,0", "666");
const contents = (xml: string): string[] => readBilibiliXml(xml).comments.map(({ content }) => content);
const skipped = (xml: string): object => Object.fromEntries(readBilibiliXml(xml).skipped);

describe("fields", () => {
  test("become what danmakud calls them", () => {
    const { comments } = readBilibiliXml(entry("12.345,5,25,16711680,1480410348,11,u000001,7", "hi"));
    expect(comments).toEqual([
      {
        atMs: 12345,
        uid: "u000001",
        content: "hi",
        mode: "top",
        color: "#ff0000",
        size: 25,
        ts: 1_480_410_348_000,
      },
    ]);
  });

  test.each([
    ["1", "scroll"],
    ["2", "scroll"],
    ["3", "scroll"],
    ["4", "bottom"],
    ["5", "top"],
    ["6", "reverse"],
  ] as const)("mode %s is %s", (number, mode) => {
    expect(readBilibiliXml(entry(`0,${number},25,0,0,0,u,0`, "x")).comments[0]?.mode).toBe(mode);
  });

  test.each(["7", "8", "9"])("mode %s is skipped as unsupported", (mode) => {
    expect(skipped(entry(`0,${mode},25,0,0,0,u,0`, "[0,0]") + good)).toEqual({ "unsupported mode": 1 });
  });

  test.each([
    ["8", SIZE_MIN],
    ["12", 12],
    ["64", 64],
    ["127", SIZE_MAX],
  ] as const)("size %s becomes %d", (given, size) => {
    expect(readBilibiliXml(entry(`0,1,${given},0,0,0,u,0`, "x")).comments[0]?.size).toBe(size);
  });

  test.each([
    ["0", "#000000"],
    ["255", "#0000ff"],
    ["-1", "#ffffff"],
    ["16777216", "#000000"],
  ])("color %s becomes %s", (given, color) => {
    expect(readBilibiliXml(entry(`0,1,25,${given},0,0,u,0`, "x")).comments[0]?.color).toBe(color);
  });

  test("a sender that is no uid becomes one", () => {
    const uids = ["D1a2b3", "a b/c", "", "名前", "x".repeat(80)].map(
      (sender) => readBilibiliXml(entry(`0,1,25,0,0,0,${sender},0`, "x")).comments[0]?.uid,
    );
    expect(uids).toEqual(["D1a2b3", "a_b_c", "unknown", "__", "x".repeat(64)]);
  });
});

describe("damaged files", () => {
  test.each([
    ["too few fields", entry("1,1,25", "x")],
    ["no p", "<d>x</d>"],
    ["no p but another attribute", '<d user="1,1,25,0">x</d>'],
    ["time is no number", entry("soon,1,25,0,0,0,u,0", "x")],
    ["time is negative", entry("-1,1,25,0,0,0,u,0", "x")],
    ["time is beyond reason", entry("99999999999,1,25,0,0,0,u,0", "x")],
    ["mode is none", entry("1,x,25,0,0,0,u,0", "x")],
    ["mode is a property of every object", entry("1,constructor,25,0,0,0,u,0", "x")],
    ["color is none", entry("1,1,25,red,0,0,u,0", "x")],
    ["cut off in the tag", '<d p="1,1,2'],
    ["cut off in the text", '<d p="1,1,25,0,0,0,u,0">no e'],
    ["quote is missing", '<d p="1,1,25,0,0,0,u,0>x</d>'],
    ["endless text", entry("1,1,25,0,0,0,u,0", "x".repeat(20_000))],
  ])("%s: skipped, the neighbours stand", (_name, damaged) => {
    expect(contents(`<i>${good}${damaged}\n${good}${damaged}`)).toEqual(["666", "666"]);
    expect(skipped(`<i>${good}${damaged}\n${good}${damaged}`)).toEqual({ malformed: 2 });
  });

  test("control characters are taken out and counted, breaks become spaces", () => {
    const { comments, controlCharacters } = readBilibiliXml(
      entry("1,1,25,0,0,0,u,0", "a\u0008b\u001dc\n\td&#7;"),
    );
    expect(comments[0]?.content).toBe("abc d");
    expect(controlCharacters).toBe(5);
  });

  test("what is empty without them is skipped", () => {
    expect(skipped(`${entry("1,1,25,0,0,0,u,0", " \u0008 ")}<d p="1,1,25,0,0,0,u,0"/>`)).toEqual({
      empty: 2,
    });
  });

  test("entities, CDATA, and what only looks like them", () => {
    const text = "&lt;3 &amp; &#x1F600;&#20320; <![CDATA[<b>]]> & &nope; &#xD800; &#x110000; <3";
    expect(contents(entry("1,1,25,0,0,0,u,0", text))).toEqual([
      "<3 & 😀你 <b> & &nope; &#xD800; &#x110000; <3",
    ]);
  });
});

test("any text and any bytes: ends, throws nothing, gives only what danmakud takes", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "<d ",
      "<d",
      "</d>",
      ">",
      'p="',
      '"',
      "1,1,25,0,0,0,u,0",
      ",",
      "&#",
      ";",
      "<![CDATA[",
      "]]>",
      good,
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.uint8Array({ maxLength: 16 }).map((bytes) => new TextDecoder().decode(bytes)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      for (const comment of readBilibiliXml(pieces.join("")).comments) {
        expect(isUid(comment.uid)).toBe(true);
        expect(MODES).toContain(comment.mode);
        expect(comment.color).toMatch(/^#[0-9a-f]{6}$/);
        expect(comment.size).toBeWithin(SIZE_MIN, SIZE_MAX + 1);
        expect(Number.isSafeInteger(comment.atMs)).toBe(true);
        expect(comment.content).not.toMatch(/\p{Cc}/u);
        expect(comment.content).not.toBe("");
      }
    }),
  );
});

test.each(["<d ", '<d p="', "<d>", "<d><![CDATA["])("many unfinished %j end all the same", (piece) => {
  expect(readBilibiliXml(piece.repeat(200_000)).comments).toEqual([]);
});

describe("recorded files", () => {
  const folder = join(import.meta.dir, "../../../../../shared/data");
  const present = existsSync(folder);
  if (!present) console.log(`recorded files skipped: ${folder} is absent`);
  test.skipIf(!present).each([
    ["recorded-16348.xml", 16348, {}, 0],
    // Its 65 damaged entries have the colour "undefined".
    ["recorded-1783.xml", 1718, { malformed: 65 }, 2],
  ] as const)("%s has %d comments", (name, count, left, controls) => {
    const recording = readBilibiliXml(readFileSync(join(folder, name), "utf8"));
    expect(recording.comments).toHaveLength(count);
    expect(Object.fromEntries(recording.skipped)).toEqual(left);
    expect(recording.controlCharacters).toBe(controls);
  });
});
