import { beforeAll, describe, expect, test } from "bun:test";
import { call, freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode();
const room = freshRoom("history");
const COUNT = 25;
let api: RoomApi;
let offsets: number[];

beforeAll(async () => {
  api = new RoomApi(node().url, room);
  const items = Array.from({ length: COUNT }, (_, n) => ({
    uid: "u1",
    content: `n${n}`,
    mode: "top",
    color: "#00ff00",
  }));
  const answer = await api.publish(items, {}, "role=service");
  offsets = (answer.body as { results: { offset: number }[] }).results.map((result) => result.offset);
});

describe("history", () => {
  test("after an offset gives the next that exist", async () => {
    const page = await api.history(`after=${offsets[4]}&limit=3`);
    expect(page.danmaku.map((danmaku) => danmaku.offset)).toEqual(offsets.slice(5, 8));
    expect(page.head).toBe(offsets.at(-1)!);
    expect(page.danmaku[0]).toMatchObject({
      type: "danmaku",
      uid: "u1",
      content: "n5",
      mode: "top",
      color: "#00ff00",
      size: 25,
      class: "normal",
    });
  });

  test("last gives the newest, oldest first", async () => {
    const page = await api.history("last=4");
    expect(page.danmaku.map((danmaku) => danmaku.content)).toEqual(["n21", "n22", "n23", "n24"]);
  });

  test("past the head gives nothing", async () => {
    const page = await api.history(`after=${offsets.at(-1)}&limit=10`);
    expect(page).toMatchObject({ danmaku: [], head: offsets.at(-1) });
  });

  test("limit 1000 is allowed, what is out of range is not", async () => {
    expect((await api.history("after=0&limit=1000")).danmaku).toHaveLength(COUNT);
    for (const query of [
      "after=0&limit=1001",
      "after=-1&limit=1",
      "after=x&limit=1",
      "after=0&limit=0.5",
      "last=1001",
      "last=x",
      "last=-1",
      "after=9007199254740992&limit=1",
    ]) {
      const answer = await call(`${api.url}/danmaku?${query}`);
      expect({ query, status: answer.status }).toEqual({ query, status: 400 });
      expect(answer.body).toMatchObject({ code: "invalid_message" });
    }
  });

  test("is the same that a viewer saw, epoch included", async () => {
    const viewer = await Viewer.open({ url: node().socketUrl(room), start: { kind: "last", records: 1000 } });
    await viewer.reached(offsets.at(-1)!);
    expect(await api.all()).toEqual(viewer.danmaku);
    expect((await api.history("last=1")).epoch).toBe(viewer.hello.epoch);
    await viewer.close();
  });
});

describe("rooms", () => {
  test("a room tells its head and who is online", async () => {
    const viewer = await Viewer.open({ url: node().socketUrl(room) });
    const answer = await waitFor("the viewer to be counted", async () => {
      const info = await api.info();
      return (info.body as { online: number }).online === 1 && info;
    });
    expect(answer).toMatchObject({ status: 200, body: { head: offsets.at(-1) } });
    expect(answer.body).toHaveProperty("rate");
    expect(answer.body).toHaveProperty("settings");
    await viewer.close();
  });

  test("reading does not open a room", async () => {
    const unknown = new RoomApi(node().url, freshRoom("unknown"));
    for (const url of [unknown.url, `${unknown.url}/danmaku?last=1`, unknown.url]) {
      expect(await call(url)).toMatchObject({ status: 404, body: { code: "not_found", status: 404 } });
    }
  });

  test("joining does", async () => {
    const joined = freshRoom("joined");
    const viewer = await Viewer.open({ url: node().socketUrl(joined) });
    expect((await new RoomApi(node().url, joined).info()).status).toBe(200);
    await viewer.close();
  });

  test("the list is for admins, and paged", async () => {
    for (const name of ["a", "b", "c"])
      await new RoomApi(node().url, `list-${name}`).mustPublish({ uid: "u", content: "x" });
    expect((await call(`${node().url}/v1/rooms?role=viewer`)).status).toBe(403);
    const answer = await call(`${node().url}/v1/rooms?role=admin`);
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).toContain('"list-b"');
    const page = await call(`${node().url}/v1/rooms?role=admin&limit=1`);
    expect((page.body as { rooms: unknown[] }).rooms).toHaveLength(1);
  });
});

describe("what operators and readers find", () => {
  test("healthz and readyz", async () => {
    for (const path of ["/healthz", "/readyz"]) expect((await call(node().url + path)).status).toBe(200);
  });

  test("metrics on the admin address only", async () => {
    expect(await node().admin.metrics()).toMatch(/^# (HELP|TYPE) /m);
    expect((await call(`${node().url}/metrics`)).status).toBe(404);
  });

  test("an OpenAPI description and its page", async () => {
    const answer = await call(`${node().url}/openapi.json`);
    expect(answer.body).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) });
    const paths = Object.keys((answer.body as { paths: object }).paths);
    for (const path of [
      "/v1/rooms/{room}/danmaku",
      "/v1/rooms/{room}",
      "/v1/rooms",
      "/v1/rooms/{room}/events",
      "/healthz",
      "/readyz",
    ]) {
      expect(paths).toContain(path);
    }
    const page = await call(`${node().url}/docs`);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(page.body).toContain("/v1/rooms/{room}/danmaku");
  });
});
