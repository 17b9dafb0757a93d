import { describe, expect, test } from "bun:test";
import {
  AnswerMissing,
  call,
  freshRoom,
  type RawAnswer,
  RoomApi,
  rawHttp,
  undisturbed,
  useNode,
} from "@danmakud/testkit";

const node = useNode();
const JSON_TYPE = { "Content-Type": "application/json" };
const path = () => `/v1/rooms/${freshRoom("errors")}/danmaku`;

function raw(
  method: string,
  target: string,
  headers: Record<string, string>,
  body?: string | Uint8Array,
): Promise<RawAnswer> {
  return rawHttp(node().port, { method, path: target, headers, ...(body === undefined ? {} : { body }) });
}

function expectProblem(answer: RawAnswer, status: number, code?: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(answer.body);
  expect(problem).toMatchObject({ status, title: expect.any(String), code: code ?? expect.any(String) });
}

describe("bodies", () => {
  const broken: [string, string | Uint8Array][] = [
    ["nothing", ""],
    ["half an object", '{"uid":"u","content":'],
    ["no JSON", "content=666"],
    ["text that is no UTF-8", Uint8Array.of(0x22, 0xff, 0xfe, 0x22)],
    [
      "overlong UTF-8",
      Uint8Array.of(...new TextEncoder().encode('{"uid":"u","content":"a'), 0xc0, 0xaf, 0x22, 0x7d),
    ],
    ["deep nesting", "[".repeat(200_000)],
    ["two objects", '{"uid":"u","content":"a"}{"uid":"u","content":"b"}'],
  ];
  test.each(broken)("%s is 400", async (_name, body) => {
    expectProblem(await raw("POST", path(), JSON_TYPE, body), 400, "invalid_message");
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "text/json-ish",
  ])("%s is 415", async (type) => {
    expectProblem(await raw("POST", path(), { "Content-Type": type }, '{"uid":"u","content":"a"}'), 415);
  });

  test("without a content type is 415", async () => {
    expectProblem(await raw("POST", path(), {}, '{"uid":"u","content":"a"}'), 415);
  });

  test("application/json with a charset passes", async () => {
    const type = { "Content-Type": "application/json; charset=utf-8" };
    expect((await raw("POST", path(), type, '{"uid":"u","content":"a"}')).status).toBe(201);
  });

  test("over 2 MiB is 413, by its length and in chunks", async () => {
    const body = JSON.stringify({ uid: "u", content: "a" }).padEnd(2 * 1024 * 1024 + 1, " ");
    expectProblem(await raw("POST", path(), JSON_TYPE, body), 413, "too_large");
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expectProblem(
      await raw("POST", path(), { ...JSON_TYPE, "Transfer-Encoding": "chunked" }, chunked),
      413,
      "too_large",
    );
  });

  test("a length that is announced and far too large is refused before it comes", async () => {
    const answer = await raw("POST", path(), { ...JSON_TYPE, "Content-Length": "999999999999" }, "{").catch(
      (error) => {
        expect(error).toBeInstanceOf(AnswerMissing);
        return undefined;
      },
    );
    if (answer) expect([400, 413]).toContain(answer.status);
  });

  test("chunks are put together", async () => {
    const body = '{"uid":"u","content":"in chunks"}';
    const chunks = [...body].map((character) => `1\r\n${character}\r\n`).join("");
    const headers = { ...JSON_TYPE, "Transfer-Encoding": "chunked" };
    expect((await raw("POST", path(), headers, `${chunks}0\r\n\r\n`)).status).toBe(201);
  });
});

describe("paths and methods", () => {
  test.each([
    "/nothing",
    "/v1",
    "/v1/rooms/a/b/c",
    "/v2/rooms",
    "/v1/rooms/a/danmaku/x/y",
    "/..%2f..%2fetc/passwd",
    "/index.html.bak",
  ])("%s is 404", async (target) => {
    expectProblem(await raw("GET", target, {}), 404, "not_found");
  });

  test.each(["/%", "/v1/rooms/%zz", "/v1/rooms/%c0%af/danmaku"])("%s is 400 or 404", async (target) => {
    expect([400, 404]).toContain((await raw("GET", target, {})).status);
  });

  test.each([
    ["DELETE", "/healthz"],
    ["PUT", "/v1/rooms/a/danmaku"],
    ["POST", "/openapi.json"],
  ])("%s %s is 405", async (method, target) => {
    const answer = await raw(method, target, {});
    expectProblem(answer, 405);
    expect(answer.headers.allow).toBeDefined();
  });

  test("HEAD is GET without a body", async () => {
    const answer = await fetch(`${node().url}/openapi.json`, { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("");
  });

  test("a request that is none is answered or closed, and disturbs nobody", async () => {
    await undisturbed(node(), freshRoom("garbage"), async () => {
      for (const target of ["/ /", `/${"a".repeat(100_000)}`]) {
        const answer = await raw("GET", target, {}).catch(() => undefined);
        if (answer) expect(answer.status).toBeGreaterThanOrEqual(400);
      }
      const headers = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`X-${n}`, "y".repeat(500)]));
      const answer = await raw("GET", "/healthz", headers).catch(() => undefined);
      if (answer) expect([200, 400, 431]).toContain(answer.status);
    });
  });
});

test("an error names itself in words, and gives nothing of the inside away", async () => {
  const answer = await new RoomApi(node().url, freshRoom()).publish({ uid: "u", content: 5 });
  expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:|at [A-Za-z]+ \(/);
  expect((answer.body as { detail: string }).detail).toContain("content");
  expect((await call(`${node().url}/nothing`)).body).toMatchObject({
    title: expect.any(String),
    type: expect.any(String),
  });
});
