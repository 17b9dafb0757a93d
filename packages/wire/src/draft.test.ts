import { expect, test } from "bun:test";
import { DanmakuError, type DraftFields, parseDraft } from "./index.ts";

function refused(value: unknown, rule: RegExp, fields: DraftFields = "http"): void {
  let thrown: unknown;
  try {
    parseDraft(value, fields);
  } catch (error) {
    thrown = error;
  }
  expect(thrown, JSON.stringify(value)?.slice(0, 80)).toBeInstanceOf(DanmakuError);
  expect((thrown as DanmakuError).code).toBe("invalid_message");
  expect((thrown as DanmakuError).message).toMatch(rule);
}

const draft = (fields: object) => parseDraft({ content: "x", ...fields }, "http");
const bad = (fields: object, rule: RegExp) => refused({ content: "x", ...fields }, rule);

test("defaults", () => {
  expect(parseDraft({ content: " 666 " }, "viewer")).toEqual({
    content: "666",
    mode: 0,
    color: 0xffffff,
    size: 25,
  });
});

test("all fields", () => {
  const value = {
    content: "x",
    mode: "bottom",
    color: "#00fFa1",
    size: 12,
    key: "k",
    uid: "u1",
    name: " Ann ",
    class: "paid",
    attrs: { a: [1, { b: null }] },
    deliverAt: 1_700_000_000_000,
  };
  expect(parseDraft(value, "service")).toEqual({
    content: "x",
    mode: 3,
    color: 0x00ffa1,
    size: 12,
    key: "k",
    uid: "u1",
    name: "Ann",
    class: 3,
    attrs: '{"a":[1,{"b":null}]}',
    deliverAt: 1_700_000_000_000,
  });
  expect(parseDraft({ content: "x", delayMs: 5 }, "viewer").delayMs).toBe(5);
});

test("not an object", () => {
  for (const value of [null, undefined, 1, "x", true, [], [{ content: "x" }]]) refused(value, /object/);
});

test("content of the wrong type, or none", () => {
  for (const content of [null, 1, {}, ["x"], true]) refused({ content }, /content is not a string/);
  refused({}, /content is missing/);
  refused({ content: "" }, /content is empty/);
});

test("mode, colour and size at their borders and one past", () => {
  for (const mode of ["Scroll", "", 0, null, "constructor"]) bad({ mode }, /mode/);
  for (const color of [
    "#fffff",
    "#fffffff",
    "ffffff0",
    "#gggggg",
    "#12345G",
    "red",
    0xffffff,
    null,
    "#ffff f",
    "＃ffffff",
  ]) {
    bad({ color }, /color/);
  }
  expect(draft({ color: "#000000" }).color).toBe(0);
  expect(draft({ color: "#AbCdEf" }).color).toBe(0xabcdef);
  expect(draft({ size: 12 }).size).toBe(12);
  expect(draft({ size: 64 }).size).toBe(64);
  for (const size of [11, 65, 25.5, "25", null, Number.NaN, -25, 1e300, Number.POSITIVE_INFINITY])
    bad({ size }, /size/);
});

test("key of 1 to 64 bytes", () => {
  expect(draft({ key: "x".repeat(64) }).key).toHaveLength(64);
  expect(draft({ key: `${"前".repeat(21)}x` }).key).toHaveLength(22);
  for (const key of ["", "x".repeat(65), "前".repeat(22), 1, null]) bad({ key }, /key/);
  bad({ key: "\ud800" }, /surrogate/);
});

test("who may be named", () => {
  for (const uid of ["", "a b", "a/b", "ü", "x".repeat(65), 1, null]) bad({ uid }, /uid/);
  expect(draft({ uid: "x".repeat(64) }).uid).toHaveLength(64);
  for (const name of ["", "x".repeat(33), 1, null, "a\u0000"]) bad({ name }, /name/);
  for (const value of ["vip", 0, null, "Normal"]) bad({ class: value }, /class/);
  expect(draft({ class: "system" }).class).toBe(4);
});

test("attrs is a JSON object of at most 1,024 bytes", () => {
  const filler = (bytes: number) => ({ a: "x".repeat(bytes - '{"a":""}'.length) });
  expect(draft({ attrs: filler(1024) }).attrs).toHaveLength(1024);
  bad({ attrs: filler(1025) }, /attrs/);
  bad({ attrs: { a: "前".repeat(340) } }, /attrs/);
  for (const attrs of [null, 1, "x", [], true]) bad({ attrs }, /attrs/);
  expect(draft({ attrs: {} }).attrs).toBe("{}");
  expect(draft({ attrs: JSON.parse('{"__proto__":1,"a":"\\n\\u2028"}') }).attrs).not.toMatch(/\n/);
});

test("attrs nested past the stack are refused, not a crash", () => {
  let attrs: unknown = 1;
  for (let i = 0; i < 200_000; i++) attrs = [attrs];
  let thrown: unknown;
  try {
    parseDraft({ content: "x", attrs: { a: attrs } }, "http");
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(DanmakuError);
});

test("times", () => {
  expect(draft({ deliverAt: 0 }).deliverAt).toBe(0);
  expect(draft({ deliverAt: 2 ** 48 - 1 }).deliverAt).toBe(2 ** 48 - 1);
  expect(draft({ delayMs: 2 ** 32 - 1 }).delayMs).toBe(2 ** 32 - 1);
  for (const deliverAt of [-1, 2 ** 48, 1.5, "1", null]) bad({ deliverAt }, /deliverAt/);
  for (const delayMs of [-1, 2 ** 32, 1.5, "1", null]) bad({ delayMs }, /delayMs/);
  bad({ deliverAt: 1, delayMs: 1 }, /exclude/);
});

test("fields that are not listed", () => {
  for (const field of ["id", "type", "offset", "ts", "Content", "", "toString", "\ud800"]) {
    bad({ [field]: 1 }, /unknown field/);
  }
  refused(JSON.parse('{"content":"x","__proto__":{}}'), /unknown field/);
  for (const field of ["name", "attrs"]) {
    refused({ content: "x", [field]: "u1" }, /unknown field/, "viewer");
  }
});

test("a configured content limit", () => {
  expect(parseDraft({ content: "x".repeat(300) }, "viewer", 300).content).toHaveLength(300);
  expect(() => parseDraft({ content: "xxx" }, "viewer", 2)).toThrow(/longer than 2/);
});
