/** Publishes at the border of every rule and one past it; the same for the WebSocket and the HTTP face. */

export interface PublishCase {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface RefusedCase extends PublishCase {
  readonly code: string;
}

const text = (content: string) => ({ content });
const look = (field: string, value: unknown) => ({ content: "look", [field]: value });

/** A JSON object whose text has exactly `bytes` bytes. */
function attrsOf(bytes: number): { readonly a: string } {
  return { a: "x".repeat(bytes - '{"a":""}'.length) };
}

/** Accepted from a service. */
export const ACCEPTED: readonly PublishCase[] = [
  { name: "one code point", fields: text("6") },
  { name: "200 code points", fields: text("弹".repeat(200)) },
  { name: "200 code points beyond the basic plane", fields: text("😀".repeat(200)) },
  { name: "200 code points and white space around them", fields: text(`  ${"a".repeat(200)}\u3000 `) },
  { name: "a family joined into one emoji", fields: text("👨‍👩‍👧‍👦") },
  { name: "markup, which is only text", fields: text('<img src=x onerror=alert(1)> & "quotes" \\') },
  { name: "right-to-left text", fields: text("مرحبا") },
  ...["scroll", "reverse", "top", "bottom"].map((mode) => ({
    name: `mode ${mode}`,
    fields: look("mode", mode),
  })),
  { name: "color black", fields: look("color", "#000000") },
  { name: "color white", fields: look("color", "#ffffff") },
  { name: "size 12", fields: look("size", 12) },
  { name: "size 64", fields: look("size", 64) },
  { name: "key of one byte", fields: look("key", "k") },
  { name: "key of 64 bytes", fields: look("key", "k".repeat(64)) },
  { name: "key of 63 bytes in 21 characters", fields: look("key", "键".repeat(21)) },
  { name: "uid of another", fields: look("uid", "A-Z_a.z09") },
  { name: "uid of 64 characters", fields: look("uid", "u".repeat(64)) },
  { name: "name of 32 code points", fields: look("name", "名".repeat(32)) },
  { name: "attrs of 1,024 bytes", fields: look("attrs", attrsOf(1024)) },
  ...["normal", "member", "moderator", "paid"].map((kind) => ({
    name: `class ${kind}`,
    fields: look("class", kind),
  })),
];

const BAD_CHARACTERS: readonly [string, string][] = [
  ["NUL", "\u0000"],
  ["tab", "\t"],
  ["line feed", "\n"],
  ["escape", "\u001b"],
  ["delete", "\u007f"],
  ["next line (C1)", "\u0085"],
  ["line separator", "\u2028"],
  ["paragraph separator", "\u2029"],
  ["right-to-left override", "\u202e"],
  ["left-to-right embedding", "\u202a"],
  ["first strong isolate", "\u2068"],
  ["lone high surrogate", "\ud800"],
  ["lone low surrogate", "\udc00"],
];

const INVISIBLE = ["\u200b\u200b", "\u200d", "\u00ad", "\u2060", "\u3164", "\ufe0f\u200d"];

const WRONG_TYPES: readonly [string, unknown][] = [
  ["content", 666],
  ["content", null],
  ["content", ["a"]],
  ["content", { text: "a" }],
  ["mode", "Scroll"],
  ["mode", ""],
  ["mode", 1],
  ["mode", null],
  ["color", "#fff"],
  ["color", "ffffff"],
  ["color", "#fffffg"],
  ["color", "#ffffff0"],
  ["color", "red"],
  ["color", 0xffffff],
  ["size", 11],
  ["size", 65],
  ["size", 25.5],
  ["size", -25],
  ["size", 1e300],
  ["size", "25"],
  ["size", null],
  ["key", ""],
  ["key", "k".repeat(65)],
  ["key", "键".repeat(22)],
  ["key", 7],
  ["uid", ""],
  ["uid", "u".repeat(65)],
  ["uid", "u 1"],
  ["uid", "用户"],
  ["uid", 1001],
  ["name", "名".repeat(33)],
  ["name", "a\nb"],
  ["name", 5],
  ["attrs", [1]],
  ["attrs", "{}"],
  ["attrs", attrsOf(1025)],
  ["class", "vip"],
  ["class", 1],
];

/** Refused from a service. */
export const REFUSED: readonly RefusedCase[] = [
  ...[
    { name: "empty content", fields: text("") },
    { name: "white space only", fields: text(" \u3000\u00a0 ") },
    { name: "201 code points", fields: text("弹".repeat(201)) },
    { name: "201 code points beyond the basic plane", fields: text("😀".repeat(201)) },
    { name: "no content", fields: { mode: "top" } },
    ...BAD_CHARACTERS.map(([name, character]) => ({ name, fields: text(`a${character}b`) })),
    ...INVISIBLE.map((content) => ({ name: `invisible ${codePoints(content)}`, fields: text(content) })),
    ...WRONG_TYPES.map(([field, value]) => ({
      name: `${field} ${JSON.stringify(value).slice(0, 20)}`,
      fields: look(field, value),
    })),
    { name: "an unlisted field", fields: look("colour", "#ffffff") },
    {
      name: "an unlisted field named __proto__",
      fields: JSON.parse('{"content":"look","__proto__":{"a":1}}'),
    },
    { name: "offset", fields: look("offset", 1) },
    { name: "ts", fields: look("ts", 1) },
  ].map((refused) => ({ ...refused, code: "invalid_message" })),
  { name: "class system", fields: look("class", "system"), code: "forbidden" },
];

function codePoints(value: string): string {
  return [...value].map((character) => `U+${character.codePointAt(0)?.toString(16)}`).join(" ");
}
