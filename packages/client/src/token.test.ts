import { expect, test } from "bun:test";
import { TIMER_MS_MAX, TOKEN_MARGIN_MS } from "./limits.ts";
import { renewInMs } from "./token.ts";

const NOW_MS = 1_700_000_000_000;
const jwt = (payload: unknown): string => `h.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.s`;
const inSeconds = (seconds: number): string => jwt({ sub: "名前~?", exp: NOW_MS / 1000 + seconds });

test("a token is renewed some time before it expires", () => {
  expect(renewInMs(inSeconds(3600), NOW_MS)).toBe(3_600_000 - TOKEN_MARGIN_MS);
});

test("a short one after four fifths of its time", () => {
  expect(renewInMs(inSeconds(20), NOW_MS)).toBe(16_000);
});

test.each([
  ["none", undefined],
  ["no JWT", "opaque"],
  ["no JSON", "a.b.c"],
  ["no base64", "a.%%.c"],
  ["no exp", jwt({ sub: "u" })],
  ["exp is no number", jwt({ exp: "soon" })],
  ["expired", inSeconds(-5)],
  ["all but expired", inSeconds(1)],
  ["beyond what timers can wait", inSeconds(TIMER_MS_MAX / 1000 + 60)],
  ["null", jwt(null)],
])("not renewed: %s", (_what, token) => {
  expect(renewInMs(token, NOW_MS)).toBeUndefined();
});
