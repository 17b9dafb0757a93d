import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROOM_SETTINGS_DEFAULT } from "@danmakud/core/rooms";
import { DanmakuError, ID_MAX } from "@danmakud/wire";
import { SignJWT } from "jose";
import { JwtSignIn } from "../../auth/index.ts";
import { problemOfResponse, serveFace } from "./http-handler.fixture.ts";

const face = serveFace();
beforeAll(async () => {
  await face.post(Array.from({ length: 150 }, (_, i) => ({ content: `c${i + 1}` })));
});
afterAll(() => face.stop());

async function offsets(query: string): Promise<string> {
  const response = await face.fetch(`/v1/rooms/r/danmaku${query}`);
  expect(response.status).toBe(200);
  const page = (await response.json()) as { epoch: string; head: number; danmaku: { offset: number }[] };
  expect(page).toMatchObject({ epoch: "e1", head: 150 });
  const first = page.danmaku[0]?.offset;
  return page.danmaku.length === 0 ? "" : `${first}-${page.danmaku.at(-1)?.offset}/${page.danmaku.length}`;
}

describe("history", () => {
  test.each([
    ["", "51-150/100"],
    ["?last=3", "148-150/3"],
    ["?last=0", ""],
    ["?last=1000", "1-150/150"],
    ["?after=0&limit=2", "1-2/2"],
    ["?after=149", "150-150/1"],
    ["?after=10", "11-110/100"],
    ["?limit=5", "1-5/5"],
    ["?after=150", ""],
    [`?after=${ID_MAX}&limit=1000`, ""],
  ])("%p gives %p", async (query, expected) => {
    expect(await offsets(query)).toBe(expected);
  });

  test("a danmaku is the same record as elsewhere", async () => {
    const response = await face.fetch("/v1/rooms/r/danmaku?last=1");
    expect((await response.json()).danmaku).toEqual([
      {
        type: "danmaku",
        offset: 150,
        ts: 1_700_000_000_000,
        uid: "u1",
        content: "c150",
        mode: "scroll",
        color: "#ffffff",
        size: 25,
        class: "normal",
      },
    ]);
  });

  test.each([
    "?last=1001",
    "?last=-1",
    "?last=",
    "?last=x",
    "?limit=0",
    "?limit=1001",
    "?after=0&limit=1e3",
    `?after=${ID_MAX + 1}`,
    "?after=-1",
    "?after=0&last=1",
    "?last=1&limit=1",
  ])("%s is out of range", async (query) => {
    expect(await problemOfResponse(await face.fetch(`/v1/rooms/r/danmaku${query}`))).toBe(
      "400 invalid_message",
    );
  });

  test("reading makes no room", async () => {
    expect(await problemOfResponse(await face.fetch("/v1/rooms/none/danmaku"))).toBe("404 not_found");
    expect(await problemOfResponse(await face.fetch("/v1/rooms/none"))).toBe("404 not_found");
    expect([...face.hub.rooms.keys()]).toEqual(["r"]);
  });
});

describe("rooms", () => {
  test("one room, described", async () => {
    const response = await face.fetch("/v1/rooms/r");
    expect(await response.json()).toMatchObject({
      room: "r",
      epoch: "e1",
      head: 150,
      online: 0,
      rate: 0.5,
      sampledRate: 0.25,
      settings: { slowModeMs: 0, closed: false },
    });
  });

  test("the list, in pages, is for admins", async () => {
    const listing = serveFace();
    for (const room of ["b", "a", "c"]) listing.hub.rooms.set(room, []);
    const page = async (query: string) => (await listing.fetch(`/v1/rooms?role=admin${query}`)).json();
    expect(await page("&limit=2")).toMatchObject({ rooms: [{ room: "a" }, { room: "b" }], next: "b" });
    expect(await page("&limit=2&after=b")).toMatchObject({ rooms: [{ room: "c" }] });
    expect((await page("&limit=2&after=b")).next).toBeUndefined();
    for (const role of ["viewer", "moderator", "service"]) {
      expect(await problemOfResponse(await listing.fetch(`/v1/rooms?role=${role}`))).toBe("403 forbidden");
    }
    for (const query of ["limit=0", "limit=1001", "after=a%2fb"]) {
      const response = await listing.fetch(`/v1/rooms?role=admin&${query}`);
      expect(await problemOfResponse(response)).toBe("400 invalid_message");
    }
    await listing.stop();
  });

  test("a token that lists rooms opens no others", async () => {
    const secret = new Uint8Array(32);
    const signed = serveFace({ dev: false }, { auth: new JwtSignIn({ secret }) });
    const token = await new SignJWT({ sub: "u1", rooms: ["r"] })
      .setProtectedHeader({ alg: "HS256" })
      .sign(secret);
    const authorization = { authorization: `Bearer ${token}` };
    expect((await signed.post({ content: "1" }, "", authorization)).status).toBe(201);
    expect((await signed.fetch("/v1/rooms/r", { headers: authorization })).status).toBe(200);
    for (const path of ["/v1/rooms/x", "/v1/rooms/x/danmaku", "/v1/rooms/x/events"]) {
      expect(await problemOfResponse(await signed.fetch(path, { headers: authorization }))).toBe(
        "403 forbidden",
      );
    }
    // The uid of the body is not believed where there is a sign-in.
    const foreign = await signed.post({ content: "1", uid: "u2" }, "", authorization);
    expect(await problemOfResponse(foreign)).toBe("403 forbidden");
    await signed.stop();
  });
});

describe("settings", () => {
  const patch = (body: string, role: string, room = "settings", headers: Record<string, string> = {}) =>
    face.fetch(`/v1/rooms/${room}/settings?role=${role}`, {
      method: "PATCH",
      headers: { "content-type": "application/json", ...headers },
      body,
    });

  test.each(["moderator", "service", "admin"])(
    "are changed by a %s, and shown with the room",
    async (role) => {
      const answer = await patch('{"maxRate":50}', role, role);
      expect(answer.status).toBe(200);
      const all = { ...ROOM_SETTINGS_DEFAULT, maxRate: 50 };
      expect(await answer.json()).toEqual(all);
      expect(await (await patch("{}", role, role)).json()).toEqual(all);
      expect(await (await face.fetch(`/v1/rooms/${role}`)).json()).toMatchObject({ settings: all });
      expect(await (await patch('{"maxRate":0}', role, role)).json()).toEqual(ROOM_SETTINGS_DEFAULT);
    },
  );

  test.each(["viewer", "member"])("are not for a %s, whatever the body says", async (role) => {
    for (const body of ['{"maxRate":50}', '{"slowModeMs":1000}', "x"]) {
      expect(await problemOfResponse(await patch(body, role))).toBe("403 forbidden");
    }
  });

  test.each([
    '{"maxRate":-1}',
    '{"maxRate":1000001}',
    '{"slowModeMs":-1}',
    '{"delayMs":600001}',
    '{"closed":true}',
    '{"nope":1}',
    "[]",
    "null",
    "{",
  ])("%s is refused", async (body) => {
    expect(await problemOfResponse(await patch(body, "admin"))).toBe("400 invalid_message");
  });

  test("refusals of the room, other methods and other types of body", async () => {
    face.hub.failure = new DanmakuError("unavailable", "no answer in time", { retryAfterMs: 1500 });
    const unavailable = await patch('{"maxRate":1}', "admin");
    expect(unavailable.headers.get("retry-after")).toBe("2");
    expect(await problemOfResponse(unavailable)).toBe("503 unavailable");
    face.hub.failure = undefined;
    const headers = { "content-type": "text/plain" };
    expect(await problemOfResponse(await patch("{}", "admin", "r", headers))).toBe("415 invalid_message");
    const get = await face.fetch("/v1/rooms/r/settings");
    expect(get.headers.get("allow")).toBe("PATCH, OPTIONS");
    expect(await problemOfResponse(get)).toBe("405 invalid_message");
  });
});
