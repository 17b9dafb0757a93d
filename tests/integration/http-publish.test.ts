import { describe, expect, test } from "bun:test";
import { freshRoom, type PublishedBody, RoomApi, useNode, Viewer } from "@danmakud/testkit";
import { ACCEPTED, REFUSED } from "./publish-cases.ts";

const node = useNode();
const SERVICE = "role=service";

interface Results {
  readonly results: readonly {
    readonly offset?: number;
    readonly error?: { readonly code: string } | string;
  }[];
}

/** The code of a refused item, in whichever form it is told. */
function codeOf(result: Results["results"][number]): string | undefined {
  return typeof result.error === "string" ? result.error : result.error?.code;
}

describe("one danmaku", () => {
  test("is answered with its place, and seen by viewers", async () => {
    const room = freshRoom("post");
    const viewer = await Viewer.open({ url: node().socketUrl(room) });
    const answer = await new RoomApi(node().url, room).publish({ uid: "u7", content: "666" });
    expect(answer.status).toBe(201);
    const { offset, ts, epoch } = answer.body as PublishedBody;
    expect(await viewer.saw("666")).toMatchObject({ offset, ts, uid: "u7" });
    expect(epoch).toBe(viewer.hello.epoch);
    await viewer.close();
  });

  test.each(ACCEPTED)("accepts $name", async ({ fields }) => {
    const api = new RoomApi(node().url, freshRoom("accept"));
    const answer = await api.publish({ uid: "svc", ...fields }, {}, SERVICE);
    expect(answer).toMatchObject({ status: 201 });
  });

  test.each(REFUSED)("refuses $name", async ({ fields, code }) => {
    const api = new RoomApi(node().url, freshRoom("refuse"));
    const answer = await api.publish({ uid: "svc", ...fields }, {}, SERVICE);
    expect(answer.status).toBe(code === "forbidden" ? 403 : 400);
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ code, status: answer.status });
  });

  test.each([null, 5, "text", true])("refuses a body that is %p", async (body) => {
    const answer = await new RoomApi(node().url, freshRoom()).publish(body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_message" } });
  });
});

describe("an array", () => {
  test("keeps its order, and answers each on its own", async () => {
    const room = freshRoom("array");
    const api = new RoomApi(node().url, room);
    const items = [
      { uid: "u1", content: "one" },
      { uid: "u1", content: "" },
      { uid: "u2", content: "two" },
    ];
    const answer = await api.publish(items, {}, SERVICE);
    expect(answer.status).toBe(200);
    const { results } = answer.body as Results;
    expect(results).toHaveLength(3);
    expect(codeOf(results[1]!)).toBe("invalid_message");
    expect(results[2]!.offset).toBeGreaterThan(results[0]!.offset!);
    expect((await api.all()).map((danmaku) => danmaku.content)).toEqual(["one", "two"]);
  });

  test("of 1,000 passes, of 1,001 is too large, of none is no error of the server", async () => {
    const api = new RoomApi(node().url, freshRoom("thousand"));
    const items = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ uid: "u", content: `n${n}` }));
    const full = await api.publish(items(1000), {}, SERVICE);
    expect(full.status).toBe(200);
    expect((full.body as Results).results.every((result) => result.offset !== undefined)).toBe(true);
    const over = await api.publish(items(1001), {}, SERVICE);
    expect([400, 413]).toContain(over.status);
    expect((await api.publish([], {}, SERVICE)).status).toBeLessThan(500);
    const all = await api.all();
    expect(all.map((danmaku) => danmaku.content)).toEqual(items(1000).map((item) => item.content));
  });
});

test("too fast is 429 with Retry-After", async () => {
  const api = new RoomApi(node().url, freshRoom("fast"));
  const answers = [];
  for (let n = 0; n < 40; n++) answers.push(api.publish({ uid: "hasty", content: `n${n}` }));
  const refused = (await Promise.all(answers)).filter((answer) => answer.status !== 201);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect(answer).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }
});

test("rooms outside the alphabet are refused", async () => {
  for (const room of ["a%20b", "r".repeat(65), "%00", "%E5%BC%B9", "a%2Fb"]) {
    const answer = await new RoomApi(node().url, room).publish({ uid: "u", content: "x" });
    expect([400, 404]).toContain(answer.status);
  }
});
