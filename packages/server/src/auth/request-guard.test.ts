import { describe, expect, test } from "bun:test";
import { checkRequestOrigin, type GuardOptions, isAllowedOrigin } from "./request-guard.ts";

const DEV: GuardOptions = { dev: true, insecureOpen: false, allowOrigin: [] };
const OPEN: GuardOptions = { dev: true, insecureOpen: true, allowOrigin: [] };
const SIGNED: GuardOptions = { dev: false, insecureOpen: false, allowOrigin: ["https://site.example"] };

function refused(options: GuardOptions, headers: Record<string, string>): boolean {
  const refusal = checkRequestOrigin(new Headers(headers), options);
  if (refusal !== undefined) expect(refusal.code).toBe("forbidden");
  return refusal !== undefined;
}

describe("with --dev", () => {
  test.each([
    "localhost",
    "LOCALHOST:8080",
    "app.localhost:1",
    "127.0.0.1",
    "127.9.8.7:80",
    "[::1]",
    "[::1]:8080",
  ])("host %s is this machine", (host) => expect(refused(DEV, { host })).toBe(false));

  test.each([
    "",
    "evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "127.0.0.1.evil.example",
    "0.0.0.0:8080",
    "192.168.1.2",
    "2130706433",
    "[::]",
    "[::ffff:7f00:1]",
    "localhost, evil.example",
    "user@localhost",
  ])("host %p is not", (host) => expect(refused(DEV, { host })).toBe(true));

  test.each(["http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]", "HTTP://LOCALHOST"])(
    "origin %s may",
    (origin) => expect(refused(DEV, { host: "localhost", origin })).toBe(false),
  );

  test.each([
    "null",
    "",
    "https://evil.example",
    "http://localhost.evil.example",
    "http://evil.example#http://localhost",
    "http://localhost@evil.example",
    "file://",
    "chrome-extension://localhost",
  ])("origin %p may not", (origin) => {
    expect(refused(DEV, { host: "localhost", origin })).toBe(true);
    expect(isAllowedOrigin(origin, DEV)).toBe(false);
  });

  test("a cross-site request that hides its origin may not, following a link may", () => {
    const from = { host: "localhost", "sec-fetch-site": "cross-site" };
    expect(refused(DEV, { ...from, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" })).toBe(true);
    expect(refused(DEV, { ...from, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" })).toBe(true);
    expect(refused(DEV, { ...from, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" })).toBe(false);
    expect(refused(DEV, { ...from, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" })).toBe(false);
  });

  test("--allow-origin adds an origin", () => {
    const options = { ...DEV, allowOrigin: ["https://site.example"] };
    expect(refused(options, { host: "localhost", origin: "https://Site.example" })).toBe(false);
    expect(refused(options, { host: "localhost", origin: "https://other.example" })).toBe(true);
    expect(refused(options, { host: "site.example", origin: "https://site.example" })).toBe(true);
  });

  test("--insecure-open takes any host, and pages that the node itself gave out", () => {
    expect(refused(OPEN, { host: "192.168.1.2:8080" })).toBe(false);
    expect(refused(OPEN, { host: "192.168.1.2:8080", origin: "http://192.168.1.2:8080" })).toBe(false);
    expect(refused(OPEN, { host: "192.168.1.2:8080", origin: "http://evil.example" })).toBe(true);
    expect(refused(OPEN, { host: "192.168.1.2:8080", origin: "null" })).toBe(true);
  });
});

describe("with sign-in", () => {
  test("HTTP is left to CORS, upgrades are held against --allow-origin", () => {
    const foreign = { host: "node.example", origin: "https://evil.example" };
    expect(refused(SIGNED, foreign)).toBe(false);
    expect(refused(SIGNED, { ...foreign, upgrade: "WebSocket" })).toBe(true);
    expect(refused(SIGNED, { ...foreign, upgrade: "websocket", origin: "https://site.example" })).toBe(false);
    expect(refused(SIGNED, { ...foreign, upgrade: "websocket", origin: "https://node.example" })).toBe(false);
    expect(refused({ ...SIGNED, allowOrigin: ["*"] }, { ...foreign, upgrade: "websocket" })).toBe(false);
    expect(refused({ ...SIGNED, allowOrigin: [] }, { ...foreign, upgrade: "websocket" })).toBe(false);
    expect(refused(SIGNED, { host: "node.example", upgrade: "websocket" })).toBe(false);
  });

  test("CORS: the listed and no others", () => {
    expect(isAllowedOrigin("https://site.example", SIGNED)).toBe(true);
    expect(isAllowedOrigin("http://localhost", SIGNED)).toBe(false);
    expect(isAllowedOrigin("null", SIGNED)).toBe(false);
  });
});
