import { afterAll, describe, expect, test } from "bun:test";
import { DanmakuError } from "@danmakud/wire";
import { JwtSignIn } from "../../auth/index.ts";
import { connectBare, problemOfResponse, serveFace, until } from "./http-handler.fixture.ts";
import type { PageFile } from "./pages.ts";

const PAGES = new Map<string, PageFile>([
  ["/", { body: "<!doctype html>", contentType: "text/html; charset=utf-8", etag: '"p1"' }],
  ["/assets/a.js", { body: new Uint8Array([59]), contentType: "text/javascript", etag: '"p2"' }],
]);

let unready: string | undefined;
const face = serveFace({}, { pages: PAGES, pageCsp: "default-src 'self'", unready: () => unready });
afterAll(() => face.stop());

async function refusal(path: string, init?: RequestInit): Promise<string> {
  return problemOfResponse(await face.fetch(path, init));
}

describe("paths", () => {
  test.each([
    "/nothing",
    "/v1",
    "/v1/",
    "/v1/rooms/",
    "/v1/rooms//danmaku",
    "/v1/rooms/r/",
    "/v1/rooms/r/danmaku/",
    "/v1/rooms/r/danmaku/1",
    "/v1/rooms/../danmaku",
    "/v1/rooms/%2e%2e/danmaku",
    "/metrics",
    "/healthz/",
    "/HEALTHZ",
    "/index.html",
    "/assets/",
  ])("%s is not found", async (path) => {
    expect(await refusal(path)).toBe("404 not_found");
  });

  test.each([
    ["a%00b", "NUL"],
    ["a%2fb", "a slash"],
    ["a%20b", "a space"],
    ["%E5%BC%B9", "beyond ASCII"],
    ["%2561", "decoded once only"],
    ["x".repeat(65), "one character too many"],
    ["%zz", "an escape that is none"],
    ["%ff", "an escape that is no UTF-8"],
    ["%", "half an escape"],
  ])("room %s is refused: %s", async (room) => {
    for (const rest of ["", "/danmaku", "/events"]) {
      expect(await refusal(`/v1/rooms/${room}${rest}`)).toBe("400 invalid_message");
    }
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"content":"1"}' };
    expect(await refusal(`/v1/rooms/${room}/danmaku`, init)).toBe("400 invalid_message");
  });

  test("a name of 64 characters, and one with escapes for letters, are rooms", async () => {
    expect(await refusal(`/v1/rooms/${"x".repeat(64)}`)).toBe("404 not_found");
    expect(await refusal("/v1/rooms/%61._-Z9")).toBe("404 not_found");
    expect(face.hub.rooms.size).toBe(0);
  });

  test.each([
    ["POST", "/healthz", "GET, HEAD, OPTIONS"],
    ["DELETE", "/v1/rooms/r/danmaku", "GET, HEAD, POST, OPTIONS"],
    ["PUT", "/v1/rooms", "GET, HEAD, OPTIONS"],
    ["POST", "/v1/rooms/r/events", "GET, HEAD, OPTIONS"],
    ["POST", "/", "GET, HEAD, OPTIONS"],
    ["PATCH", "/docs", "GET, HEAD, OPTIONS"],
  ])("%s %s is no method of this path", async (method, path, allow) => {
    const response = await face.fetch(path, { method });
    expect(response.headers.get("allow")).toBe(allow);
    expect(await problemOfResponse(response)).toBe("405 invalid_message");
  });

  test("the WebSocket path without an upgrade", async () => {
    const response = await face.fetch("/v1/rooms/r/ws");
    expect(response.headers.get("upgrade")).toBe("websocket");
    expect(await problemOfResponse(response)).toBe("426 invalid_message");
  });
});

describe("health", () => {
  test("live always, ready when it is", async () => {
    expect(await (await face.fetch("/healthz")).json()).toEqual({ status: "live" });
    expect(await (await face.fetch("/readyz")).json()).toEqual({ status: "ready" });
    unready = "draining";
    const response = await face.fetch("/readyz");
    unready = undefined;
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await problemOfResponse(response)).toBe("503 unavailable");
  });
});

describe("HEAD and OPTIONS", () => {
  test.each(["/healthz", "/openapi.json", "/docs", "/", "/v1/rooms?role=admin"])(
    "HEAD %s is GET without a body",
    async (path) => {
      const [get, head] = await Promise.all([face.fetch(path), face.fetch(path, { method: "HEAD" })]);
      expect(head.status).toBe(200);
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
      expect(await head.text()).toBe("");
      expect((await get.text()).length).toBeGreaterThan(0);
    },
  );

  test("HEAD of a problem and of an event stream", async () => {
    expect((await face.fetch("/nothing", { method: "HEAD" })).status).toBe(404);
    const events = await face.fetch("/v1/rooms/r/events", { method: "HEAD" });
    expect(events.headers.get("content-type")).toBe("text/event-stream");
    expect(face.hub.viewers.size).toBe(0);
  });

  test("OPTIONS says what is allowed; a preflight of a loopback page may go on", async () => {
    const plain = await face.fetch("/v1/rooms/r/danmaku", { method: "OPTIONS" });
    expect(plain.status).toBe(204);
    expect(plain.headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
    expect(plain.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await face.fetch("/v1/rooms/r/danmaku", {
      method: "OPTIONS",
      headers: { origin: "http://localhost:3000", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("idempotency-key");
    expect((await face.fetch("/nothing", { method: "OPTIONS" })).status).toBe(404);
  });
});

describe("pages", () => {
  test("are served with their type, tag and policy", async () => {
    const page = await face.fetch("/?room=1001");
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toBe("default-src 'self'");
    expect(await page.text()).toBe("<!doctype html>");
    expect(await (await face.fetch("/assets/a.js")).text()).toBe(";");
  });

  test.each(['"p1"', 'W/"p1"', '"x", "p1"', "*"])("If-None-Match: %s costs no body", async (tag) => {
    const response = await face.fetch("/", { headers: { "if-none-match": tag } });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe("");
  });

  test("another tag gets the page", async () => {
    expect((await face.fetch("/", { headers: { "if-none-match": '"p2"' } })).status).toBe(200);
  });
});

describe("Host and Origin with --dev", () => {
  test("a foreign page can neither read nor publish, nor can a null origin", async () => {
    for (const origin of ["https://evil.example", "null"]) {
      for (const path of ["/", "/healthz", "/v1/rooms/r", "/v1/rooms/r/events", "/openapi.json"]) {
        expect(await refusal(path, { headers: { origin } })).toBe("403 forbidden");
      }
      const response = await face.post({ content: "1" }, "?uid=u1", { origin });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(await problemOfResponse(response)).toBe("403 forbidden");
      expect(await refusal("/v1/rooms/r/danmaku", { method: "OPTIONS", headers: { origin } })).toBe(
        "403 forbidden",
      );
    }
    expect(face.hub.published).toEqual([]);
  });

  test("a name that was made to point here is not this machine", async () => {
    for (const host of ["evil.example", "evil.example:80", "localhost.evil.example"]) {
      expect(await bareStatus(`GET /v1/rooms/r HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBe(403);
    }
  });

  test("Host headers that are malformed or missing", async () => {
    expect(await bareStatus("GET /healthz HTTP/1.1\r\nHost: a b/c\r\n\r\n")).toBe(400);
    expect(await bareStatus("GET /healthz HTTP/1.1\r\n\r\n")).toBe(400);
    expect(await bareStatus("GET /healthz HTTP/1.0\r\n\r\n")).toBe(403);
    expect(await bareStatus("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")).toBe(200);
  });

  async function bareStatus(text: string): Promise<number> {
    const connection = await connectBare(face.port);
    connection.write(text);
    await until(() => connection.received().includes("\r\n\r\n"), "there is an answer");
    connection.destroy();
    return Number(connection.received().slice(9, 12));
  }
});

describe("with sign-in", () => {
  const signed = serveFace(
    { dev: false, allowOrigin: ["https://site.example"] },
    { auth: new JwtSignIn({ secret: new Uint8Array(32) }) },
  );
  afterAll(() => signed.stop());

  test.each(["/v1/rooms", "/v1/rooms/r", "/v1/rooms/r/danmaku", "/v1/rooms/r/events"])(
    "%s needs a token",
    async (path) => {
      const response = await signed.fetch(path);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await problemOfResponse(response)).toBe("401 unauthorized");
    },
  );

  test.each(["/healthz", "/readyz", "/openapi.json", "/docs"])("%s does not", async (path) => {
    expect((await signed.fetch(path, { headers: { host: "any.example" } })).status).toBe(200);
  });

  test("CORS for the listed origin only; refusals can be read too", async () => {
    const site = await signed.fetch("/v1/rooms/r", { headers: { origin: "https://site.example" } });
    expect(site.status).toBe(401);
    expect(site.headers.get("access-control-allow-origin")).toBe("https://site.example");
    expect(site.headers.get("access-control-expose-headers")).toContain("retry-after");
    expect(site.headers.get("vary")).toBe("Origin");
    const other = await signed.fetch("/v1/rooms/r", { headers: { origin: "https://other.example" } });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
    expect(other.headers.get("vary")).toBe("Origin");
  });
});

describe("faults", () => {
  test("our own are logged without the query and answered with 500", async () => {
    face.hub.failure = new TypeError("planted");
    const response = await face.fetch("/v1/rooms/r?uid=u1&token=secret");
    face.hub.failure = undefined;
    expect(await problemOfResponse(response)).toBe("500 unavailable");
    expect(face.logged).toHaveLength(1);
    expect(face.logged[0]).toMatchObject({ method: "GET", path: "/v1/rooms/r" });
    expect(JSON.stringify(face.logged)).not.toContain("secret");
  });

  test("coded ones keep their code and their wait", async () => {
    face.hub.failure = new DanmakuError("overloaded", "too much", { retryAfterMs: 1001 });
    const response = await face.fetch("/v1/rooms/r");
    face.hub.failure = undefined;
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await problemOfResponse(response)).toBe("503 overloaded");
  });
});
