import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CLASSES } from "@danmakud/wire";
import fc from "fast-check";
import { comments, recordings } from "./comments.fixture.ts";
import {
  type AssOptions,
  detectFormat,
  FORMATS,
  type Format,
  type RecordedComment,
  readRecording,
  recordingWriter,
} from "./index.ts";

function write(format: Format, list: readonly RecordedComment[], options: AssOptions = {}): string {
  const writer = recordingWriter(format, options);
  return writer.header + list.map((comment) => writer.comment(comment)).join("") + writer.footer;
}

describe("what is written is read again as it was", () => {
  test("xml", () => {
    fc.assert(
      fc.property(recordings, (list) => {
        expect(readRecording(write("xml", list), "xml").comments).toEqual(list);
      }),
    );
  });

  test("jsonl, with all that is known", () => {
    const full = fc.tuple(
      comments,
      fc.record(
        {
          name: fc.constantFrom("Ann", "名"),
          class: fc.constantFrom(...CLASSES),
          attrs: fc.dictionary(fc.string(), fc.jsonValue()),
          ts: fc.integer({ min: 1, max: 2_000_000_000_000 }),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(full), (list) => {
        const all = list.map(([comment, more]) => ({ ...comment, ...more })) as RecordedComment[];
        const read = readRecording(write("jsonl", all), "jsonl").comments;
        expect(read).toEqual(JSON.parse(JSON.stringify(all)));
      }),
    );
  });

  test("ass, to the hundredth of a second, in pictures of any size", () => {
    const sizes = fc.constantFrom([1920, 1080], [1280, 720], [854, 480], [3840, 2160], [640, 360]);
    fc.assert(
      fc.property(recordings, sizes, (list, [width = 0, height = 0]) => {
        const text = write("ass", list, { width, height, overflow: "overlap" });
        const expected = list.map((comment) => ({ ...comment, atMs: Math.round(comment.atMs / 10) * 10 }));
        expect(readRecording(text, "ass").comments).toEqual(expected);
      }),
    );
  });

  test("a format is known by its beginning", () => {
    fc.assert(
      fc.property(fc.array(comments, { minLength: 1, maxLength: 3 }), (list) => {
        for (const format of FORMATS) {
          expect(detectFormat(write(format, list, { overflow: "overlap" }))).toBe(format);
        }
      }),
    );
    expect(["", "hello", "[1,2]", "; a comment\n[Script Info]"].map(detectFormat)).toEqual([
      undefined,
      undefined,
      undefined,
      "ass",
    ]);
  });
});

test.each(FORMATS)("any text as %s: ends, throws nothing", (format) => {
  const parts = fc.oneof(
    fc.constantFrom(
      "Dialogue: 0,0:00:01.00,0:00:05.00,Danmaku,u,0,0,0,,",
      "[Events]\n",
      "[V4+ Styles]\nStyle: Danmaku",
      "Format: Text\n",
      "{\\move(1,2,3,4)",
      "{\\p1}",
      "\\c&HFFFFFFFFFF&",
      "}",
      "\n",
      '{"atMs":1,"content":"x"}',
      '{"ts":1e99,"content":',
      "<d p=",
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 30 }), (list) => {
      for (const { atMs, content, color } of readRecording(list.join(""), format).comments) {
        expect(atMs).toBeGreaterThanOrEqual(0);
        expect(content).not.toMatch(/\p{Cc}/u);
        expect(content).not.toBe("");
        expect(color).toMatch(/^#[0-9a-f]{6}$/);
      }
    }),
  );
});

describe("jsonl", () => {
  const read = (...lines: unknown[]) =>
    readRecording(
      lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
      "jsonl",
    );

  test("records of a room: the first one's time is the start", () => {
    const record = { type: "danmaku", offset: 1, uid: "u", mode: "top", color: "#FF0000", size: 30 };
    const { comments, skipped } = read(
      { ...record, ts: 1_700_000_000_000, content: "a", class: "paid", name: "Ann" },
      { type: "delete", offset: 2, ts: 1_700_000_000_100, of: 1 },
      { ...record, ts: 1_700_000_002_500, content: "b", class: "normal" },
    );
    expect(comments).toMatchObject([
      { atMs: 0, content: "a", class: "paid", name: "Ann", color: "#ff0000" },
      { atMs: 2500, content: "b" },
    ]);
    expect(Object.fromEntries(skipped)).toEqual({ "unsupported mode": 1 });
  });

  test("little is enough", () => {
    expect(read({ atMs: 5, content: "hi" }).comments).toEqual([
      { atMs: 5, uid: "unknown", content: "hi", mode: "scroll", color: "#ffffff", size: 25 },
    ]);
  });

  test.each([
    ["{"],
    ["[]"],
    [{ content: "no time" }],
    [{ atMs: -1, content: "x" }],
    [{ atMs: 1e12, content: "x" }],
    [{ atMs: 1 }],
    [{ atMs: 1, content: 5 }],
    [{ atMs: 1, content: "x", mode: "spiral" }],
    [{ atMs: 1, content: "x", color: "red" }],
    [{ atMs: 1, content: "x", size: "big" }],
    [{ atMs: 1, content: "x".repeat(70_000) }],
  ])("%j is malformed", (line) => {
    expect(Object.fromEntries(read(line, { atMs: 1, content: "good" }).skipped)).toEqual({ malformed: 1 });
  });
});

describe("subtitles of others", () => {
  const script = (...lines: string[]): string =>
    `[Script Info]\nPlayResY: 540\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, Alignment\nStyle: Default,Arial,20,&H000000FF,2\nStyle: Up,Arial,30,&H00FF0000,8\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n${lines.join("\n")}`;
  const line = (style: string, text: string): string =>
    `Dialogue: 0,1:02:03.45,1:02:08.45,${style},,0,0,0,,${text}`;
  const one = (text: string): unknown => readRecording(script(text), "ass").comments[0];

  test.each([
    [
      line("Default", "plain, with commas"),
      { mode: "bottom", size: 20, color: "#ff0000", content: "plain, with commas" },
    ],
    [line("Up", "up"), { mode: "top", size: 30, color: "#0000ff" }],
    [line("Default", "{\\move(560,10,-200,10)}→"), { mode: "scroll", atMs: 3_723_450 }],
    [line("Default", "{\\move(-200,10,560,10)}←"), { mode: "reverse" }],
    [line("Default", "{\\an8}{\\1c&H00FF00&\\fs25}x"), { mode: "top", color: "#00ff00", size: 25 }],
    [line("Default", "{\\pos(1,10)}x"), { mode: "top" }],
    [line("Default", "{\\pos(1,500)}x"), { mode: "bottom" }],
    [line("Default", "{\\an5}two\\Nlines"), { mode: "scroll", content: "two lines" }],
    [line("Nowhere", "x"), { mode: "bottom", color: "#ffffff", size: 25, uid: "unknown" }],
  ])("%s", (text, expected) => {
    expect(one(text)).toMatchObject(expected);
  });

  test("drawings and broken lines are left out and counted", () => {
    const { comments, skipped } = readRecording(
      script(
        line("Default", "{\\p1}m 0 0 l 1 1"),
        "Dialogue: nonsense",
        line("Default", "{\\an8}"),
        line("Up", "good"),
      ),
      "ass",
    );
    expect(comments.map(({ content }) => content)).toEqual(["good"]);
    expect(Object.fromEntries(skipped)).toEqual({ "unsupported mode": 1, malformed: 1, empty: 1 });
  });
});

describe("recorded files keep everything through every format", () => {
  const folder = join(import.meta.dir, "../../../../../shared/data");
  const present = existsSync(folder);
  if (!present) console.log(`recorded files skipped: ${folder} is absent`);
  test.skipIf(!present).each(["recorded-16348.xml", "recorded-1783.xml"])("%s", (name) => {
    const { comments: list } = readRecording(readFileSync(join(folder, name), "utf8"), "xml");
    const sorted = [...list].sort((a, b) => a.atMs - b.atMs);
    expect(readRecording(write("xml", sorted), "xml").comments).toEqual(sorted);
    expect(readRecording(write("jsonl", sorted), "jsonl").comments).toEqual(sorted);
    const subtitles = readRecording(write("ass", sorted, { overflow: "overlap" }), "ass").comments;
    expect(subtitles.map(({ content, mode, color, size }) => ({ content, mode, color, size }))).toEqual(
      sorted.map(({ content, mode, color, size }) => ({ content, mode, color, size })),
    );
  });
});
