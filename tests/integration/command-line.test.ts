import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  freshRoom,
  generateComments,
  makeTempDir,
  RoomApi,
  removeTempDir,
  runDanmakud,
  startDanmakud,
  toBilibiliXml,
  useNode,
  waitFor,
} from "@danmakud/testkit";

const node = useNode();
const folder = makeTempDir("cli");
const address = () => ["--url", `ws://127.0.0.1:${node().port}`];
afterAll(() => removeTempDir(folder));

describe("replay", () => {
  test("publishes a recording, and tells what it skipped", async () => {
    const comments = generateComments(300);
    const path = join(folder, "damaged.xml");
    const xml = toBilibiliXml(comments).replace(
      "<i>",
      '<i><d p="1,1,25">too few</d><d>none</d>\u0008<d p="x,y,z,0,0,0,u,0"></d>',
    );
    writeFileSync(path, xml);
    const room = freshRoom("cli");
    const result = await runDanmakud(["replay", path, "--room", room, "--speed", "0", ...address()]);
    expect({ code: result.code, output: result.stdout + result.stderr }).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/published 300, acked 300/);
    const history = await new RoomApi(node().url, room).all();
    const asRecorded = comments.map((comment) => ({
      uid: comment.uid,
      content: comment.content,
      mode: comment.mode,
      size: comment.size,
    }));
    expect(history.map(({ uid, content, mode, size }) => ({ uid, content, mode, size }))).toEqual(asRecorded);
  });

  test("says so when there is no such file, room or node", async () => {
    expect((await runDanmakud(["replay", join(folder, "none.xml"), "--room", "r", ...address()])).code).toBe(
      2,
    );
    expect((await runDanmakud(["replay", join(folder, "damaged.xml"), ...address()])).code).toBe(2);
    const away = await runDanmakud([
      "replay",
      join(folder, "damaged.xml"),
      "--room",
      "r",
      "--url",
      "ws://127.0.0.1:9",
    ]);
    expect(away.code).toBe(1);
    expect(away.stderr).toContain("ws://127.0.0.1:9");
  });
});

describe("tail", () => {
  test("prints a room live, over a restart of the node", async () => {
    const room = freshRoom("tail");
    const api = new RoomApi(node().url, room);
    await api.mustPublish({ uid: "u1", content: "before" });
    await using tail = startDanmakud(["tail", room, "--last", "10", "--json", ...address()]);
    await waitFor("the past", () => tail.stdout().includes("before"));
    await api.mustPublish({ uid: "u1", content: "live" });
    await waitFor("the present", () => tail.stdout().includes("live"));
    await node().kill("SIGKILL");
    await node().restart();
    await api.mustPublish({ uid: "u1", content: "after" });
    await waitFor("the time after the restart", () => tail.stdout().includes("after"));
    tail.signal("SIGINT");
    const result = await tail.result;
    expect(result.code).toBe(0);
    const danmaku = result.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter((record) => record.type === "danmaku");
    expect(danmaku.map((record) => record.content)).toEqual(["before", "live", "after"]);
    expect(result.stderr).toContain("resumed");
  });
});

describe("every command", () => {
  test.each(["serve", "replay", "tail", "token", "check-config"])(
    "%s has help, and refuses unknown flags",
    async (name) => {
      const help = await runDanmakud([name, "--help"]);
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toContain(`danmakud ${name}`);
      const unknown = await runDanmakud([name, "--no-such-flag"]);
      expect(unknown.code).toBe(2);
      expect(unknown.stderr).toContain("--no-such-flag");
    },
  );

  test("danmakud alone lists them", async () => {
    const help = await runDanmakud(["--help"]);
    for (const name of ["serve", "replay", "tail", "token", "check-config"])
      expect(help.stdout).toContain(name);
    expect((await runDanmakud(["no-such-command"])).code).toBe(2);
  });
});
