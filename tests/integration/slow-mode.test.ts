import { describe, expect, test } from "bun:test";
import { call, freshRoom, RoomApi, useNode, Viewer, waitFor } from "@danmakud/testkit";

/** Without the limit of a user, which refuses with the same code. */
const node = useNode({ flags: ["--threads", "2", "--limits", "off"] });
/** Longer than any of this takes, so that whom it binds is bound to the end. */
const LONG_MS = 600_000;
const TOO_SOON = { type: "error", code: "rate_limited", message: "the room is in slow mode" };

function setUp(name: string): { room: string; api: RoomApi } {
  const room = freshRoom(name);
  return { room, api: new RoomApi(node().url, room) };
}

async function slowDown(api: RoomApi, slowModeMs: number): Promise<void> {
  const answer = await call(`${api.url}/settings?uid=mod&role=moderator`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ slowModeMs }),
  });
  expect(answer).toMatchObject({ status: 200, body: { slowModeMs } });
}

describe("slow mode", () => {
  test("lets a user write once, over all connections and faces, and says how long to wait", async () => {
    const { room, api } = setUp("slow");
    await slowDown(api, LONG_MS);
    const enter = (uid: string) => Viewer.open({ url: node().socketUrl(room), uid });
    const mine = await Promise.all(Array.from({ length: 8 }, () => enter("me")));
    const other = await enter("other");
    const answers = await Promise.all(mine.map((viewer, n) => viewer.publish({ content: `at once ${n}` })));
    expect(answers.filter(({ type }) => type === "ack")).toMatchObject([{ offset: 1 }]);
    const refused = answers.filter((answer) => answer.type === "error");
    expect(refused).toHaveLength(7);
    for (const answer of refused) {
      expect(answer).toMatchObject(TOO_SOON);
      expect(answer.retryAfterMs).toBeWithin(1, LONG_MS + 1);
    }
    expect(await other.publish({ content: "somebody else" })).toMatchObject({ type: "ack", offset: 2 });

    const single = await api.publish({ content: "by another face" }, {}, "uid=me");
    expect(single).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(Number(single.headers.get("retry-after"))).toBeWithin(1, LONG_MS / 1000 + 1);
    const many = await api.publish([{ content: "first" }, { content: "second" }], {}, "uid=third");
    const { results } = many.body as { results: { offset?: number; error?: { code: string } }[] };
    expect(results).toMatchObject([{ offset: 3 }, { error: { code: "rate_limited" } }]);

    // Everybody sees what was taken, and nothing of the rest.
    const taken = answers.findIndex(({ type }) => type === "ack");
    const all = [`at once ${taken}`, "somebody else", "first"];
    expect((await api.all()).map(({ content }) => content)).toEqual(all);
    for (const viewer of [...mine, other]) {
      await viewer.reached(3);
      expect(viewer.danmaku.map(({ content }) => content)).toEqual(all);
      expect(viewer.gaps).toEqual([]);
      expect(viewer.faults).toEqual([]);
      await viewer.close();
    }
  });

  test("does not bind moderators, services and those for whom they speak", async () => {
    const { room, api } = setUp("slow-exempt");
    await slowDown(api, LONG_MS);
    const enter = (uid: string, role: string) => Viewer.open({ url: node().socketUrl(room), uid, role });
    const viewers = await Promise.all(
      ["viewer", "member", "moderator", "service", "admin"].map((role) => enter(`a-${role}`, role)),
    );
    // All at once, so that the bound and the exempt go together.
    const answers = await Promise.all(
      viewers.map((viewer) =>
        Promise.all(Array.from({ length: 5 }, (_, n) => viewer.publish({ content: `number ${n}` }))),
      ),
    );
    const taken = answers.map((all) => all.filter(({ type }) => type === "ack").length);
    expect(taken).toEqual([1, 1, 5, 5, 5]);

    // What a service says for a user neither waits nor has the user wait.
    for (let n = 0; n < 2; n++) {
      expect(await api.publish({ uid: "user", content: `for ${n}` }, {}, "role=service")).toMatchObject({
        status: 201,
      });
    }
    expect(await api.publish({ content: "self" }, {}, "uid=user")).toMatchObject({ status: 201 });
    expect(await api.publish({ content: "self" }, {}, "uid=user")).toMatchObject({ status: 429 });
    await Promise.all(viewers.map((viewer) => viewer.close()));
  });

  test("a repeat of a key is answered as it was; one that was refused leaves no key", async () => {
    const { api } = setUp("slow-keys");
    await slowDown(api, LONG_MS);
    const publish = (key: string) =>
      api.publish({ content: `with ${key}` }, { "idempotency-key": key }, "uid=me");
    const first = await publish("one");
    expect(first).toMatchObject({ status: 201, body: { offset: 1 } });
    expect(await publish("two")).toMatchObject({ status: 429 });
    expect(await publish("one")).toMatchObject({ status: 201, body: first.body as object });
    expect(await publish("two")).toMatchObject({ status: 429 });
    await slowDown(api, 0);
    expect(await publish("two")).toMatchObject({ status: 201, body: { offset: 2 } });
    expect(await publish("two")).toMatchObject({ status: 201, body: { offset: 2 } });
  });

  test("a scheduled danmaku comes in its time, and counts for nobody", async () => {
    const { room, api } = setUp("slow-later");
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "watcher" });
    await slowDown(api, LONG_MS);
    expect(await api.publish({ content: "now" }, {}, "uid=me")).toMatchObject({ status: 201 });
    for (const uid of ["me", "else"]) {
      const later = { uid, content: `later ${uid}`, delayMs: 300 };
      expect(await api.publish(later, {}, "role=service")).toMatchObject({ status: 202 });
    }
    await waitFor("both to come", () => viewer.danmaku.length === 3);
    expect(await api.publish({ content: "mine" }, {}, "uid=else")).toMatchObject({ status: 201 });
    expect(await api.publish({ content: "mine" }, {}, "uid=me")).toMatchObject({ status: 429 });
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });

  test("is over after its time; another time begins anew, and none lets all pass", async () => {
    const { api } = setUp("slow-over");
    const status = async () => (await api.publish({ content: "again" }, {}, "uid=me")).status;
    expect([await status(), await status()]).toEqual([201, 201]);
    await slowDown(api, LONG_MS);
    expect([await status(), await status()]).toEqual([201, 429]);
    await slowDown(api, LONG_MS - 1);
    expect([await status(), await status()]).toEqual([201, 429]);
    await slowDown(api, 500);
    expect(await status()).toBe(201);
    await waitFor("the time to be over", async () => (await status()) === 201);
    await slowDown(api, LONG_MS);
    expect([await status(), await status()]).toEqual([201, 429]);
    await slowDown(api, 0);
    expect([await status(), await status()]).toEqual([201, 201]);
  });
});
