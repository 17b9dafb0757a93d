/** Mutes and bans, as moderators and users meet them. */
import { describe, expect, test } from "bun:test";
import {
  call,
  EventStream,
  freshRoom,
  joinCode,
  Moderator,
  type ProblemBody,
  RoomApi,
  rawHttp,
  runDanmakud,
  useNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import { CLOSE_CODES } from "@danmakud/wire";

const node = useNode({ flags: ["--threads", "2"] });
const HOUR_MS = 3_600_000;

function setUp(purpose: string) {
  const room = freshRoom(purpose);
  const api = new RoomApi(node().url, room);
  const enter = (uid: string, role = "viewer") => Viewer.open({ url: node().socketUrl(room), uid, role });
  return { room, api, enter, moderator: new Moderator(node().url, room) };
}

/** Waits until what was changed has come to the thread that this viewer, or this address, has to do with. */
async function settled(what: string, codeOf: () => Promise<string | undefined>, code: string | undefined) {
  await waitFor(`${what} to be ${code ?? "let through"}`, async () => (await codeOf()) === code);
}

async function publishCode(api: RoomApi, uid: string, query = ""): Promise<string | undefined> {
  const { body } = await api.publish({ uid, content: "over http" }, {}, query);
  return (body as Partial<ProblemBody>).code;
}

/** Every thread of the node learns of a ban by itself. */
async function turnedAway(room: string, uid: string): Promise<void> {
  const socketUrl = node().socketUrl(room);
  await waitFor(`${uid} to be refused`, async () => (await joinCode(socketUrl, uid)) === CLOSE_CODES.banned);
}

describe("a muted user", () => {
  test("watches, but publishes neither over a WebSocket nor over HTTP, until the mute is over", async () => {
    const { api, enter, moderator } = setUp("mute");
    const user = await enter("u1");
    const other = await enter("u2");
    const imposed = await moderator.impose("mute", "u1", 3600);
    expect(imposed).toMatchObject({ uid: "u1", by: "mod", until: imposed.since + HOUR_MS });
    await settled(
      "u1",
      async () => ((await user.publish({ content: "let me" })) as { code?: string }).code,
      "muted",
    );
    const refused = await user.publish({ content: "let me" });
    const { retryAfterMs } = refused as { retryAfterMs?: number };
    expect(retryAfterMs).toBeGreaterThan(HOUR_MS / 2);
    expect(retryAfterMs).toBeLessThanOrEqual(HOUR_MS);
    await settled("u1 over http", () => publishCode(api, "u1"), "muted");
    const answer = await api.publish({ uid: "u1", content: "and so?" });
    expect(answer).toMatchObject({ status: 403, body: { code: "muted" } });
    expect((answer.body as { retryAfterMs?: number }).retryAfterMs).toBeGreaterThan(HOUR_MS / 2);
    // A site's backend that speaks for the user is no way around it.
    await settled("a service", () => publishCode(api, "u1", "uid=site&role=service"), "muted");
    const ack = await other.publish({ content: "you all right?" });
    expect(ack.type).toBe("ack");
    await user.saw("you all right?");
    // Shortened to a second, it ends by itself.
    await moderator.impose("mute", "u1", 1);
    await settled("u1", () => publishCode(api, "u1"), undefined);
    await waitFor("the list to be empty", async () => (await moderator.uids("mute")).length === 0);
    expect((await user.publish({ content: "back" })).type).toBe("ack");
    expect([...user.faults, ...other.faults]).toEqual([]);
    await Promise.all([user.close(), other.close()]);
  });

  test("is muted until that is lifted where no time is said", async () => {
    const { api, moderator } = setUp("unmute");
    expect((await moderator.impose("mute", "u1")).until).toBeUndefined();
    await settled("u1", () => publishCode(api, "u1"), "muted");
    const { body } = await api.publish({ uid: "u1", content: "when?" });
    expect(body).not.toHaveProperty("retryAfterMs");
    await moderator.lift("mute", "u1");
    await settled("u1", () => publishCode(api, "u1"), undefined);
    // Lifting what does not hold does no harm.
    await moderator.lift("mute", "u1");
  });
});

describe("a banned user", () => {
  test("is sent away from the room with 4501, and neither enters, reads nor publishes", async () => {
    const { room, api, enter, moderator } = setUp("ban");
    const connections = await Promise.all([enter("u1"), enter("u1"), enter("u1")]);
    const other = await enter("u2");
    const stream = await EventStream.open(`${api.url}/events?uid=u1`);
    const elsewhere = await Viewer.open({ url: node().socketUrl(freshRoom("else")), uid: "u1" });
    await moderator.impose("ban", "u1", 600);
    for (const viewer of connections) {
      const { code, reason } = await viewer.ended();
      expect({ code, reason }).toEqual({ code: CLOSE_CODES.banned, reason: "banned from this room" });
    }
    await waitFor("the event stream to end", () => stream.ended);
    expect(stream.events.at(-1)).toMatchObject({ event: "close" });
    expect(JSON.parse(stream.events.at(-1)?.data ?? "")).toMatchObject({ code: CLOSE_CODES.banned });
    // Each join comes to whichever thread the kernel picks.
    for (let i = 0; i < 6; i++) await turnedAway(room, "u1");
    for (const path of ["", "/danmaku", "/events"]) {
      const answer = await call(`${api.url}${path}?uid=u1`);
      expect(answer).toMatchObject({ status: 403, body: { code: "banned" } });
    }
    await settled("u1", () => publishCode(api, "u1"), "banned");
    expect(other.connected).toBe(true);
    expect(elsewhere.connected).toBe(true);
    expect((await other.publish({ content: "quiet now" })).type).toBe("ack");
    await moderator.lift("ban", "u1");
    await waitFor(
      "u1 to be let in",
      async () => (await joinCode(node().socketUrl(room), "u1")) === undefined,
    );
    await settled("u1", () => publishCode(api, "u1"), undefined);
    await Promise.all([other.close(), elsewhere.close()]);
  });

  test("may be banned from the whole site, by an admin", async () => {
    const { room, api, enter } = setUp("site");
    const admin = new Moderator(node().url, undefined);
    const uid = freshRoom("uid");
    const here = await enter(uid);
    const there = await Viewer.open({ url: node().socketUrl(freshRoom("there")), uid });
    await admin.impose("ban", uid);
    for (const viewer of [here, there]) expect((await viewer.ended()).code).toBe(CLOSE_CODES.banned);
    for (const name of [room, freshRoom("new")]) await turnedAway(name, uid);
    await settled("the user", () => publishCode(api, uid), "banned");
    expect(await call(`${api.url}?uid=${uid}`)).toMatchObject({ status: 403, body: { code: "banned" } });
    expect(await admin.uids("ban")).toContain(uid);
    await admin.lift("ban", uid);
    await waitFor(
      "the user to be let in",
      async () => (await joinCode(node().socketUrl(room), uid)) === undefined,
    );
  });
});

describe("mutes and bans", () => {
  test.each(["SIGTERM", "SIGKILL"] as const)("outlive %s once they are answered", async (signal) => {
    const { room, api, moderator } = setUp("restart");
    const admin = new Moderator(node().url, undefined);
    const site = freshRoom("uid");
    await api.mustPublish({ uid: "u0", content: "before" });
    await moderator.impose("mute", "u1", 3600);
    await moderator.impose("mute", "short", 1);
    await moderator.impose("mute", "lifted");
    await moderator.lift("mute", "lifted");
    await moderator.impose("ban", "u2");
    await admin.impose("ban", site, 3600);
    await node().kill(signal);
    await node().restart();
    expect(await publishCode(api, "u1")).toBe("muted");
    expect(await joinCode(node().socketUrl(room), "u2")).toBe(CLOSE_CODES.banned);
    expect(await joinCode(node().socketUrl(room), site)).toBe(CLOSE_CODES.banned);
    expect(await publishCode(api, "lifted")).toBeUndefined();
    await settled("short", () => publishCode(api, "short"), undefined);
    expect(await moderator.uids("mute")).toEqual(["u1"]);
    expect(await moderator.uids("ban")).toEqual(["u2"]);
    await admin.lift("ban", site);
  });

  test("are listed page by page", async () => {
    const { moderator } = setUp("list");
    const names = ["a", "B", "c-1", "c.2", "z"];
    for (const uid of names) await moderator.impose("ban", uid, 60);
    await moderator.impose("mute", "m");
    const sorted = [...names].sort();
    expect(await moderator.uids("ban")).toEqual(sorted);
    const first = await moderator.list("ban", "&limit=2");
    expect(first.body).toMatchObject({ next: sorted[1] });
    expect(await moderator.uids("ban", `&limit=2&after=${sorted[1]}`)).toEqual(sorted.slice(2, 4));
    const all = (await moderator.list("ban", "&limit=9")).body as object;
    expect(all).not.toHaveProperty("next");
    for (const query of ["&limit=0", "&limit=1001", "&limit=x", "&after=%20"]) {
      expect((await moderator.list("ban", query)).status).toBe(400);
    }
  });

  test("are imposed, lifted and seen by those who may", async () => {
    const { room } = setUp("roles");
    const as = (role: string, at: string | undefined = room) =>
      new Moderator(node().url, at, `uid=x&role=${role}`);
    const statuses = async (who: Moderator) => [
      (await who.put("ban", "u1", { seconds: 60 })).status,
      (await who.list("ban")).status,
      (await who.delete("ban", "u1")).status,
    ];
    for (const role of ["viewer", "member"]) expect(await statuses(as(role))).toEqual([403, 403, 403]);
    for (const role of ["moderator", "service", "admin"]) {
      expect(await statuses(as(role))).toEqual([200, 200, 204]);
    }
    for (const role of ["moderator", "service"]) {
      expect(await statuses(new Moderator(node().url, undefined, `uid=x&role=${role}`))).toEqual([
        403, 403, 403,
      ]);
    }
    // Nobody does it to himself; and whoever is banned moderates no more.
    expect((await as("moderator").put("mute", "x", {})).body).toMatchObject({ code: "forbidden" });
    await as("admin").put("ban", "x", {});
    expect((await as("moderator").put("mute", "u1", {})).body).toMatchObject({ code: "banned" });
    expect((await as("moderator").delete("ban", "x")).status).toBe(403);
    expect((await as("service").delete("ban", "x")).status).toBe(204);
  });

  test("refuse what makes no sense, and harm nobody by it", async () => {
    const { room, moderator } = setUp("garbage");
    const bodies = [
      null,
      [],
      "600",
      600,
      { seconds: 0 },
      { seconds: -1 },
      { seconds: 1.5 },
      { seconds: "600" },
    ];
    const more = [
      { seconds: null },
      { seconds: 1e9 },
      { seconds: 31_622_401 },
      { until: 5 },
      { seconds: 5, x: 1 },
    ];
    for (const body of [...bodies, ...more]) {
      expect(await moderator.put("mute", "u1", body)).toMatchObject({
        status: 400,
        body: { code: "invalid_message" },
      });
    }
    for (const uid of ["a%20b", "%00", "x".repeat(65), "a%2Fb", "é"]) {
      expect(await moderator.put("ban", uid, {})).toMatchObject({ status: 400 });
    }
    expect((await moderator.put("kick", "u1", {})).status).toBe(404);
    const path = `/v1/rooms/${room}/users/u1/mute?uid=mod&role=moderator`;
    const plain = { method: "PUT", body: "seconds=5", headers: { "content-type": "text/plain" } };
    expect((await call(node().url + path, plain)).status).toBe(415);
    const broken = { ...plain, body: '{"seconds":', headers: { "content-type": "application/json" } };
    expect((await call(node().url + path, broken)).status).toBe(400);
    expect((await call(node().url + path, { method: "POST", body: "{}" })).status).toBe(405);
    const bad = path.replace(room, "no%20room");
    expect((await rawHttp(node().port, { method: "PUT", path: bad })).status).toBe(400);
    expect(await moderator.uids("mute")).toEqual([]);
    // The longest that can be said.
    const { since, until } = await moderator.impose("mute", "u1", 31_622_400);
    expect(until).toBe(since + 31_622_400_000);
  });
});

test("danmakud moderate does it from the command line", async () => {
  const { room, api, moderator } = setUp("cli");
  const run = (...words: string[]) => runDanmakud(["moderate", ...words, "--url", node().url]);
  const muted = await run("mute", "--room", room, "--uid", "u1", "--seconds", "10m");
  expect({ code: muted.code, errors: muted.stderr }).toEqual({ code: 0, errors: "" });
  expect(muted.stdout).toMatch(/^u1 is muted in room \S+ until \d{4}-\d\d-\d\dT/);
  await settled("u1", () => publishCode(api, "u1"), "muted");
  expect((await run("unmute", "--room", room, "--uid", "u1")).stdout).toContain("u1 is not muted any more");
  const uid = freshRoom("uid");
  expect((await run("ban", "--uid", uid)).stdout).toBe(`${uid} is banned on the whole site\n`);
  expect(await new Moderator(node().url, undefined).uids("ban")).toContain(uid);
  expect((await run("unban", "--uid", uid)).code).toBe(0);
  expect(await moderator.uids("mute")).toEqual([]);
  const away = await runDanmakud(["moderate", "ban", "--uid", "u1", "--url", "http://127.0.0.1:9"]);
  expect({ code: away.code, out: away.stdout }).toEqual({ code: 1, out: "" });
  expect(away.stderr).toContain("http://127.0.0.1:9");
});
