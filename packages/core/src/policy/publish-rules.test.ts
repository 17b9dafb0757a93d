import { describe, expect, test } from "bun:test";
import { CLASSES, type DanmakuClass, type Draft, ROLES, type Role } from "@danmakud/wire";
import type { Principal } from "../rooms/hub.ts";
import { checkPublish, publishClass, publishName, publishUid } from "./publish-rules.ts";
import { isExemptFromLimits, mayEnter } from "./roles.ts";

const DRAFT: Draft = { content: "666", mode: 0, color: 0xffffff, size: 25 };

function who(role: Role): Principal {
  return { uid: "u1", name: "One", role };
}

function codeOf(role: Role, fields: Partial<Draft>): string | undefined {
  return checkPublish(who(role), { ...DRAFT, ...fields })?.code;
}

const CLASS_MAX: Record<Role, DanmakuClass> = {
  viewer: "normal",
  member: "member",
  moderator: "moderator",
  service: "paid",
  admin: "system",
};

describe("checkPublish", () => {
  test.each([...ROLES])("%s: every class up to its own, none above", (role) => {
    const max = CLASSES.indexOf(CLASS_MAX[role]);
    for (let code = 0; code < CLASSES.length; code++) {
      expect(codeOf(role, { class: code })).toBe(code <= max ? undefined : "forbidden");
    }
  });

  test.each([...ROLES])("%s: another uid, a name, attrs", (role) => {
    const refused = role === "service" || role === "admin" ? undefined : "forbidden";
    expect(codeOf(role, {})).toBeUndefined();
    expect(codeOf(role, { uid: "u1", name: "One" })).toBeUndefined();
    expect(codeOf(role, { uid: "u2" })).toBe(refused);
    expect(codeOf(role, { name: "Two" })).toBe(refused);
    expect(codeOf(role, { attrs: "{}" })).toBe(refused);
  });

  test.each([...ROLES])("%s: a delivery time", (role) => {
    const refused = role === "viewer" || role === "member" ? "forbidden" : undefined;
    expect(codeOf(role, { deliverAt: 1 })).toBe(refused);
    expect(codeOf(role, { delayMs: 0 })).toBe(refused);
  });

  test("what is stored: the given, else one's own; a foreign uid does not get one's own name", () => {
    expect(publishUid(who("viewer"), DRAFT)).toBe("u1");
    expect(publishName(who("viewer"), DRAFT)).toBe("One");
    const foreign: Draft = { ...DRAFT, uid: "u2" };
    expect(publishUid(who("service"), foreign)).toBe("u2");
    expect(publishName(who("service"), foreign)).toBeUndefined();
    expect(publishName(who("service"), { ...foreign, name: "Two" })).toBe("Two");
    expect(ROLES.map((role) => CLASSES[publishClass(who(role), DRAFT)] ?? "")).toEqual([
      "normal",
      "member",
      "moderator",
      "normal",
      "normal",
    ]);
    expect(publishClass(who("moderator"), { ...DRAFT, class: 0 })).toBe(0);
  });
});

test("limits bind people, not services", () => {
  expect(ROLES.filter(isExemptFromLimits)).toEqual(["service", "admin"]);
});

test("a list of rooms shuts out the others; no list opens all", () => {
  expect(mayEnter({ uid: "u", role: "viewer" }, "a")).toBe(true);
  expect(mayEnter({ uid: "u", role: "viewer", rooms: ["a"] }, "a")).toBe(true);
  expect(mayEnter({ uid: "u", role: "viewer", rooms: ["a"] }, "b")).toBe(false);
  expect(mayEnter({ uid: "u", role: "admin", rooms: [] }, "b")).toBe(false);
});
