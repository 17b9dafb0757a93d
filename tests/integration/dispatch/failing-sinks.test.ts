import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  makeTempDir,
  REDIS_AVAILABLE,
  REPOSITORY_ROOT,
  type RedisService,
  removeTempDir,
  startStandalone,
  TEST_LIMIT_MS,
  waitFor,
} from "@danmakud/testkit";
import { deadKey, streamKey } from "../../../packages/server/src/adapters/redis/index.ts";
import type { SinkEntry } from "../../../packages/server/src/dispatch/index.ts";
import { checkArchive, readArchive } from "./archive-check.ts";
import { RoomWriter } from "./room-writer.ts";
import { startWorker } from "./test-worker.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** A sink of a user's own: refuses, fails or dies of some contents, and writes down the rest. */
const SINK = `
import { appendFileSync } from "node:fs";
export function createSink({ options }) {
  return {
    name: "picky",
    async write(entries) {
      for (const { content } of entries) {
        if (content === "kill") process.kill(process.pid, "SIGKILL");
        if (content === "fail") throw new Error("cannot store this");
        if (content === "reject") throw Object.assign(new Error("will not store this"), { name: "SinkRejectedError" });
      }
      appendFileSync(options.file, entries.map((entry) => JSON.stringify(entry) + "\\n").join(""));
    },
  };
}
`;

describe.skipIf(!REDIS_AVAILABLE)("sinks that fail", () => {
  let redis: RedisService;
  let folder = "";
  beforeAll(async () => {
    redis = await startStandalone();
    folder = makeTempDir("sinks");
    writeFileSync(join(folder, "picky.ts"), SINK);
  });
  afterAll(async () => {
    await redis?.stop();
    removeTempDir(folder);
  });
  const picky = (file: string) => ["--sink", `${join(folder, "picky.ts")}?file=${join(folder, file)}`];
  const deadOf = async (writer: RoomWriter, room: string) => {
    const letters = await writer.client.xrange(deadKey(room), "-", "+");
    return letters.map(([, fields]) => {
      const letter: Record<string, string> = {};
      for (let at = 0; at < fields.length; at += 2) letter[fields[at] as string] = fields[at + 1] as string;
      return letter;
    });
  };

  test("poison goes to the dead letters with its reason; the room's others come in order, other rooms do not wait", async () => {
    await using writer = await RoomWriter.connect(redis.url);
    for (const content of ["a", "fail", "b", "reject", "c"]) await writer.write("poison", content);
    // What no node wrote.
    await writer.client.xadd(streamKey("poison"), "6-3", "some", "thing");
    writer.written.set("poison", [1, 2, 3, 4, 5, 6]);
    for (let i = 0; i < 50; i++) await writer.write("healthy", `fine ${i}`);
    await using worker = await startWorker(redis.url, ...picky("a.jsonl"));
    await writer.waitSettled();
    expect(
      (await deadOf(writer, "poison")).map(({ offset, tries, reason, content }) => [
        offset,
        tries,
        reason,
        content,
      ]),
    ).toEqual([
      ["2", "5", "picky: cannot store this", "fail"],
      ["4", expect.any(String), "picky: will not store this", "reject"],
      ["6", "0", "its id is not <offset>-0", undefined],
    ]);
    const lines = (await Bun.file(join(folder, "a.jsonl")).text()).trimEnd().split("\n");
    const stored = lines.map((line) => JSON.parse(line) as SinkEntry);
    const of = (room: string) => stored.filter((entry) => entry.room === room).map(({ offset }) => offset);
    expect(of("poison")).toEqual([1, 3, 5]);
    expect(of("healthy")).toEqual(writer.written.get("healthy") ?? []);
    // The healthy room was through before the poison was given up.
    const lastHealthy = stored.findLastIndex(({ room }) => room === "healthy");
    expect(stored.findIndex(({ room, offset }) => room === "poison" && offset === 3)).toBeGreaterThan(
      lastHealthy,
    );
    expect(await worker.metric("dead_letters_total")).toBe(3);
  });

  test("an entry that kills its worker again and again goes to the dead letters too, and takes no other with it", async () => {
    await using writer = await RoomWriter.connect(redis.url);
    for (const content of ["a", "b", "kill", "c", "d"]) await writer.write("deadly", content);
    let lives = 0;
    for (; lives < 12; lives++) {
      // One name, as a service manager would restart it: the leases are its own.
      await using worker = await startWorker(redis.url, "--name", "phoenix", ...picky("b.jsonl"));
      const isOver = await waitFor("it to die or be done", async () =>
        (await writer.settled())
          ? "done"
          : await Promise.race([worker.result.then(() => "died"), Bun.sleep(50)]),
      );
      if (isOver === "done") break;
    }
    expect(lives).toBeGreaterThanOrEqual(4);
    const dead = await deadOf(writer, "deadly");
    expect(dead.map(({ offset }) => offset)).toEqual(["3"]);
    expect(dead[0]?.reason).toContain("a worker ended");
    const stored = (await Bun.file(join(folder, "b.jsonl")).text()).trimEnd().split("\n");
    expect(stored.map((line) => (JSON.parse(line) as SinkEntry).offset)).toEqual([1, 2, 4, 5]);
  });

  test("a webhook that is down, asks for time and comes back has everything in order, none of it given up", async () => {
    await using writer = await RoomWriter.connect(redis.url);
    const got = new Map<string, number[]>();
    let mode: "busy" | "fine" = "busy";
    let asked = 0;
    const serve = (port: number) =>
      Bun.serve({
        port,
        hostname: "127.0.0.1",
        fetch: async (request) => {
          asked++;
          if (mode === "busy") return new Response("later", { status: 503, headers: { "retry-after": "1" } });
          const { entries } = (await request.json()) as { entries: SinkEntry[] };
          for (const { room, offset } of entries) got.set(room, [...(got.get(room) ?? []), offset]);
          return new Response();
        },
      });
    let hook = serve(0);
    const port = hook.port as number;
    const rooms = ["hook-1", "hook-2", "hook-3", "hook-4"];
    await using worker = await startWorker(
      redis.url,
      "--sink",
      `webhook:http://127.0.0.1:${port}/`,
      "--webhook-batch",
      "50",
    );
    await writer.flow(rooms, 2_000, (count) => count < 300);
    await waitFor("it to be asked in vain", () => asked > 1);
    expect(await worker.metric("sink_up")).toBe(0);
    mode = "fine";
    await writer.waitSettled();
    await hook.stop(true);
    await writer.flow(rooms, 2_000, (count) => count < 300);
    await waitFor("it to be missed", async () => (await worker.metric("sink_up")) === 0);
    hook = serve(port);
    await writer.waitSettled();
    await hook.stop(true);
    for (const [room, offsets] of writer.written) {
      const first = [...new Set(got.get(room))];
      expect(first).toEqual(offsets);
      expect(await writer.client.xlen(deadKey(room))).toBe(0);
    }
  });

  test("two sinks: both have everything, and a retry goes only to the one that failed", async () => {
    await using writer = await RoomWriter.connect(redis.url);
    const place = join(folder, "both");
    await using worker = await startWorker(redis.url, "--sink", `archive:${place}`, ...picky("c.jsonl"));
    for (const content of ["a", "fail", "b"]) await writer.write("twice", content);
    await writer.waitSettled();
    worker.signal("SIGTERM");
    expect((await worker.result).code).toBe(0);
    expect(checkArchive(place, writer.written).repeats).toBe(0);
    const lines = [...readArchive(place).values()].flat();
    expect(lines.map(({ content }) => content)).toEqual(["a", "fail", "b"]);
    expect((await deadOf(writer, "twice")).map(({ offset }) => offset)).toEqual(["2"]);
  });

  test("the example of a sink of one's own stores each danmaku once, though some come twice", async () => {
    await using writer = await RoomWriter.connect(redis.url);
    const file = join(folder, "example.db");
    const sink = ["--sink", `${join(REPOSITORY_ROOT, "docs/examples/sqlite-sink.ts")}?file=${file}`];
    for (let i = 0; i < 30; i++) await writer.write("example", `number ${i}`);
    for (const life of [1, 2]) {
      await using worker = await startWorker(redis.url, ...sink);
      await writer.waitSettled();
      worker.signal("SIGTERM");
      expect((await worker.result).code).toBe(0);
      // The group is lost, so the second life reads everything again.
      if (life === 1) await writer.client.xgroup("DESTROY", streamKey("example"), "cg-danmu");
    }
    const db = new Database(file, { readonly: true });
    const rows = db.query("SELECT offset, content FROM danmaku WHERE room = 'example' ORDER BY offset").all();
    expect(rows).toEqual(Array.from({ length: 30 }, (_, i) => ({ offset: i + 1, content: `number ${i}` })));
    db.close();
  });
});
