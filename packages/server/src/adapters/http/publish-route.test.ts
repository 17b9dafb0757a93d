import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { DanmakuError, ERROR_CODES, ERROR_STATUS } from "@danmakud/wire";
import { type FaceUnderTest, problemOfResponse, serveFace } from "./http-handler.fixture.ts";

let face: FaceUnderTest = serveFace();
const faces = [face];
beforeEach(() => {
  face = serveFace();
  faces.push(face);
});
afterAll(() => Promise.all(faces.map((served) => served.stop())));

async function refusal(body: unknown, query?: string, headers?: Record<string, string>): Promise<string> {
  return problemOfResponse(await face.post(body, query, headers));
}

async function results(body: unknown, query?: string, headers?: Record<string, string>): Promise<string[]> {
  const response = await face.post(body, query, headers);
  expect(response.status).toBe(200);
  const answer = (await response.json()) as {
    results: { offset?: number; error?: { code: string; message: string } }[];
  };
  return answer.results.map(({ offset, error }) => String(offset ?? error?.code));
}

function senders(): string[] {
  return face.hub.published.map(({ who, draft }) => `${who.uid}:${draft.content}`);
}

describe("one danmaku", () => {
  test("201 with its place", async () => {
    const response = await face.post({ content: " 666 ", mode: "top", color: "#FF0000", size: 12 });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ offset: 1, ts: 1_700_000_000_000, epoch: "e1" });
    expect(face.hub.published[0]?.draft).toEqual({ content: "666", mode: 2, color: 0xff0000, size: 12 });
  });

  test.each([
    ["", "nothing"],
    ["{", "broken JSON"],
    ["null", "null"],
    ["7", "a number"],
    ['"666"', "a text"],
    ["{}", "no content"],
    ['{"content":7}', "content of a wrong type"],
    ['{"content":""}', "empty content"],
    ['{"content":"\u202e"}', "a bidirectional control"],
    ['{"content":"1","size":11}', "a size below"],
    ['{"content":"1","size":65}', "a size above"],
    ['{"content":"1","mode":"left"}', "an unknown mode"],
    ['{"content":"1","color":"red"}', "no color"],
    ['{"content":"1","extra":1}', "an unlisted field"],
    ['{"content":"1","type":"publish","id":1}', "fields of the WebSocket face"],
    ['{"content":"1","key":""}', "an empty key"],
    [`{"content":"1","key":"${"k".repeat(65)}"}`, "a key of 65 bytes"],
    [`{"content":"${"字".repeat(201)}"}`, "201 code points"],
    ["[".repeat(100_000), "brackets without end"],
  ])("400 for %p (%s)", async (body) => {
    expect(await refusal(body)).toBe("400 invalid_message");
    expect(face.hub.published).toEqual([]);
  });

  test("200 code points pass, and a node may be set otherwise", async () => {
    expect((await face.post({ content: "😀".repeat(200) })).status).toBe(201);
    face = serveFace({ contentMax: 10 });
    faces.push(face);
    expect((await face.post({ content: "😀".repeat(10) })).status).toBe(201);
    expect(await refusal({ content: "1".repeat(11) })).toBe("400 invalid_message");
  });

  test("bytes that are no UTF-8", async () => {
    expect(await refusal(new Uint8Array([0x22, 0xff, 0x22]))).toBe("400 invalid_message");
  });

  test.each(["text/plain", "", "application/x-www-form-urlencoded", "application/jsonp", "text/json"])(
    "415 for content type %p",
    async (type) =>
      expect(await refusal({ content: "1" }, "?uid=u1", { "content-type": type })).toBe(
        "415 invalid_message",
      ),
  );

  test("content types that are JSON; a compressed body is not", async () => {
    expect(
      (await face.post({ content: "1" }, "", { "content-type": "application/json; charset=utf-8" })).status,
    ).toBe(201);
    expect((await face.post({ content: "1" }, "", { "content-type": "Application/JSON" })).status).toBe(201);
    expect(await refusal({ content: "1" }, "", { "content-encoding": "gzip" })).toBe("415 invalid_message");
  });

  test.each(ERROR_CODES.map((code) => [code, ERROR_STATUS[code]] as const))(
    "the hub's %s is a %d",
    async (code, status) => {
      face.hub.refusal = new DanmakuError(code, "planted", { retryAfterMs: 2500 });
      const response = await face.post({ content: "1" });
      expect(response.headers.get("retry-after")).toBe(status === 429 || status === 503 ? "3" : null);
      expect(await problemOfResponse(response)).toBe(`${status} ${code}`);
    },
  );

  test("429 and 503 have a Retry-After of at least a second", async () => {
    face.hub.refusal = new DanmakuError("rate_limited", "planted", { retryAfterMs: 1 });
    expect((await face.post({ content: "1" })).headers.get("retry-after")).toBe("1");
    face.hub.refusal = new DanmakuError("unavailable", "planted");
    expect((await face.post({ content: "1" })).headers.get("retry-after")).toBe("1");
  });
});

describe("who sends", () => {
  test("the query, else the body, else a guest", async () => {
    await face.post({ content: "1" }, "?uid=u1");
    await face.post({ content: "2", uid: "u2" }, "");
    await face.post({ content: "3", uid: "u1" }, "?uid=u1");
    await face.post({ content: "4" }, "");
    expect(senders().slice(0, 3)).toEqual(["u1:1", "u2:2", "u1:3"]);
    expect(senders()[3]).toMatch(/^guest-.{6}:4$/);
  });

  test("another uid than the query's, a class above the role and attrs are for services", async () => {
    expect(await refusal({ content: "1", uid: "u2" }, "?uid=u1")).toBe("403 forbidden");
    expect(await refusal({ content: "1", class: "member" }, "?uid=u1")).toBe("403 forbidden");
    expect(await refusal({ content: "1", attrs: {} }, "?uid=u1")).toBe("403 forbidden");
    expect(await refusal({ content: "1", class: "system" }, "?role=service")).toBe("403 forbidden");
    const paid = { content: "1", uid: "u2", name: "Two", class: "paid", attrs: { gift: 1 } };
    expect((await face.post(paid, "?uid=site&role=service")).status).toBe(201);
    expect(face.hub.published).toHaveLength(1);
  });

  test("a delivery time: forbidden to viewers", async () => {
    expect(await refusal({ content: "1", delayMs: 5 })).toBe("403 forbidden");
    expect(await refusal({ content: "1", deliverAt: 5, delayMs: 5 }, "?role=moderator")).toBe(
      "400 invalid_message",
    );
  });

  test.each(["?uid=a%20b", "?uid=", "?role=root"])("%s is no sign-in", async (query) => {
    expect(await refusal({ content: "1" }, query)).toBe("400 invalid_message");
  });
});

describe("many danmaku", () => {
  test("each is answered by itself, in order", async () => {
    const body = [{ content: "a" }, { content: "" }, 7, { content: "b" }, null, { content: "c", uid: "u2" }];
    expect(await results(body)).toEqual([
      "1",
      "invalid_message",
      "invalid_message",
      "2",
      "invalid_message",
      "forbidden",
    ]);
    expect(senders()).toEqual(["u1:a", "u1:b"]);
  });

  test("several senders in one body keep the order of the array", async () => {
    const body = [..."abcdef"].map((content, i) => ({ content, uid: `u${i % 2}` }));
    expect(await results(body, "")).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(senders()).toEqual(["u0:a", "u1:b", "u0:c", "u1:d", "u0:e", "u1:f"]);
  });

  test("none and 1,000 pass, 1,001 do not", async () => {
    expect(await results([])).toEqual([]);
    expect(await results(Array.from({ length: 1000 }, () => ({ content: "1" })))).toHaveLength(1000);
    expect(await refusal(Array.from({ length: 1001 }, () => ({ content: "1" })))).toBe("413 too_large");
    expect(face.hub.published).toHaveLength(1000);
  });

  test("a refusal says why and when to try again", async () => {
    face.hub.refusal = new DanmakuError("rate_limited", "slowly", { retryAfterMs: 250 });
    const response = await face.post([{ content: "1" }]);
    expect(await response.json()).toEqual({
      results: [{ error: { code: "rate_limited", message: "slowly", retryAfterMs: 250 } }],
    });
  });
});

describe("keys", () => {
  test("a repeat is answered with the first one's place", async () => {
    const header = { "idempotency-key": "k1" };
    const first = await (await face.post({ content: "1" }, "?uid=u1", header)).json();
    expect(await (await face.post({ content: "1" }, "?uid=u1", header)).json()).toEqual(first);
    expect(await (await face.post({ content: "1", key: "k1" })).json()).toEqual(first);
    expect(await (await face.post({ content: "1" }, "?uid=u2", header)).json()).not.toEqual(first);
    expect(face.hub.published).toHaveLength(2);
  });

  test("with an array each has its own, and a repeat of the request gives the same", async () => {
    const body = [{ content: "a" }, { content: "b", key: "own" }, { content: "c" }];
    const header = { "idempotency-key": "k".repeat(60) };
    expect(await results(body, "?uid=u1", header)).toEqual(["1", "2", "3"]);
    expect(await results(body, "?uid=u1", header)).toEqual(["1", "2", "3"]);
    expect(await refusal(body, "?uid=u1", { "idempotency-key": "k".repeat(61) })).toBe("400 invalid_message");
  });

  test("64 bytes pass, 65 and two that differ do not", async () => {
    expect((await face.post({ content: "1" }, "", { "idempotency-key": "k".repeat(64) })).status).toBe(201);
    expect(await refusal({ content: "1" }, "", { "idempotency-key": "k".repeat(65) })).toBe(
      "400 invalid_message",
    );
    expect(await refusal({ content: "1", key: "a" }, "", { "idempotency-key": "b" })).toBe(
      "400 invalid_message",
    );
    expect((await face.post({ content: "1", key: "a" }, "", { "idempotency-key": "a" })).status).toBe(201);
  });
});
