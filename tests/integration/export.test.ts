/** `danmakud export`, and `replay` of what it wrote, against a real node. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FORMATS, type Format, readRecording } from "@danmakud/client/formats";
import { freshRoom, makeTempDir, RoomApi, removeTempDir, runDanmakud, useNode } from "@danmakud/testkit";

const node = useNode();
const folder = makeTempDir("export");
afterAll(() => removeTempDir(folder));

const COUNT = 2500;
const contentOf = (index: number): string =>
  `n${index} <&> {\\an8} \\N ${index % 7 === 0 ? "弹幕🎉" : "]]>"}`;

/** A room with more than two pages of history. */
async function filledRoom(): Promise<{ name: string; api: RoomApi }> {
  const name = freshRoom("export");
  const api = new RoomApi(node().url, name);
  for (let at = 0; at < COUNT; at += 500) {
    const batch = Array.from({ length: 500 }, (_, i) => ({
      content: contentOf(at + i),
      uid: `u${(at + i) % 50}`,
      mode: (["scroll", "reverse", "top", "bottom"] as const)[(at + i) % 4],
      color: `#00${((at + i) % 256).toString(16).padStart(2, "0")}ff`,
      size: 12 + ((at + i) % 53),
    }));
    const answer = await api.publish(batch, {}, "role=service&uid=writer");
    const { results } = answer.body as { readonly results: readonly { readonly error?: unknown }[] };
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
  }
  return { name, api };
}

async function exported(name: string, format: Format, ...flags: string[]) {
  const argv = ["export", name, "--format", format, "--url", node().url, ...flags];
  const { code, stdout: out, stderr: errors } = await runDanmakud(argv);
  return { code, out, errors };
}

describe("a room with several pages", () => {
  let name = "";
  let api: RoomApi;
  test("is written whole, in order, as a record a line", async () => {
    ({ name, api } = await filledRoom());
    const { code, out, errors } = await exported(name, "jsonl");
    expect({ code, errors }).toEqual({ code: 0, errors: `exported ${COUNT} of ${COUNT} danmaku\n` });
    const records = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records).toEqual([...(await api.all())]);
  });

  test.each(["xml", "ass"] as const)("as %s into a file, which appears when it is whole", async (format) => {
    const file = join(folder, `room.${format}`);
    const { code, out } = await exported(
      name,
      format,
      "--output",
      file,
      "--overlap",
      "--resolution",
      "1280x720",
    );
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(existsSync(`${file}.part`)).toBe(false);
    const { comments, skipped } = readRecording(readFileSync(file, "utf8"), format);
    expect(skipped.size).toBe(0);
    const history = await api.all();
    expect(
      comments.map(({ content, mode, color, size, uid }) => ({ content, mode, color, size, uid })),
    ).toEqual(history.map(({ content, mode, color, size, uid }) => ({ content, mode, color, size, uid })));
    expect(comments[0]?.atMs).toBe(0);
  });

  test("subtitles without room for all say how many were left out", async () => {
    const { code, out, errors } = await exported(name, "ass");
    expect(code).toBe(0);
    const { comments } = readRecording(out, "ass");
    expect(comments.length).toBeLessThan(COUNT);
    expect(errors).toContain(
      `exported ${comments.length} of ${COUNT} danmaku, ${COUNT - comments.length} left out`,
    );
  });

  test.each(FORMATS)("%s is replayed into another room with nothing missing", async (format) => {
    const file = join(folder, `again.${format}`);
    expect((await exported(name, format, "--output", file, "--overlap")).code).toBe(0);
    const copy = freshRoom("copy");
    const replay = await runDanmakud(["replay", file, "--room", copy, "--speed", "0", "--url", node().url]);
    expect(replay.code).toBe(0);
    const content = (list: readonly { readonly content: string; readonly uid: string }[]): string[] =>
      list.map((record) => `${record.uid} ${record.content}`).sort();
    expect(content(await new RoomApi(node().url, copy).all())).toEqual(content(await api.all()));
  });
});

test("a room that does not exist is an error, and leaves no file", async () => {
  const file = join(folder, "none.xml");
  const { code, errors } = await exported(freshRoom("none"), "xml", "--output", file);
  expect(code).toBe(1);
  expect(errors).toContain("there is no room");
  expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
});

test("a folder that is not there is one clear error", async () => {
  const { name } = await filledRoom();
  const { code, errors } = await exported(name, "xml", "--output", join(folder, "nowhere", "x.xml"));
  expect(code).toBe(1);
  expect(errors).toContain("ENOENT");
});

test("names and classes travel in JSON lines", async () => {
  const file = join(folder, "paid.jsonl");
  const line = { atMs: 0, uid: "ann", name: "Ann", class: "paid", attrs: { price: 5 }, content: "thanks" };
  writeFileSync(file, `${JSON.stringify(line)}\n`);
  const room = freshRoom("paid");
  const { code } = await runDanmakud(["replay", file, "--room", room, "--speed", "0", "--url", node().url]);
  expect(code).toBe(0);
  expect((await new RoomApi(node().url, room).all())[0]).toMatchObject({
    uid: "ann",
    name: "Ann",
    class: "paid",
    attrs: { price: 5 },
    content: "thanks",
  });
});
