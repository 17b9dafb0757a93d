import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ClientRecord,
  DanmakuError,
  encodePing,
  encodeRecord,
  encodeStats,
  FRAME_BYTES_MAX,
  parseClientText,
  parseClientTlv,
} from "./index.ts";

const text = (value: unknown, role: "viewer" | "service" | "admin" | "moderator" = "viewer") =>
  parseClientText(JSON.stringify(value), role);

function tlv(records: readonly ClientRecord[]): Uint8Array {
  const bytes = new Uint8Array(256 * 1024);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  return bytes.slice(0, end);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DanmakuError) return error.code;
    throw error;
  }
  return "none";
}

const publish = { type: "publish", id: 1, content: "666" } as const;
const draft = { content: "666", mode: 0, color: 0xffffff, size: 25 };

test("one object or an array", () => {
  expect(text(publish)).toEqual([{ kind: "publish", id: 1, draft }]);
  expect(text([publish, { type: "ping", id: 2 }])).toEqual([
    { kind: "publish", id: 1, draft },
    { kind: "ping", id: 2 },
  ]);
  expect(text([])).toEqual([]);
});

test("one bad message does not spoil its neighbours", () => {
  const messages = text([publish, { ...publish, id: 2, content: "" }, { ...publish, id: 3 }]);
  expect(messages.map((m) => [m.kind, m.id])).toEqual([
    ["publish", 1],
    ["invalid", 2],
    ["publish", 3],
  ]);
});

test("ids at their borders and past them", () => {
  for (const id of [0, 2 ** 53 - 1])
    expect(text({ ...publish, id })[0]).toMatchObject({ kind: "publish", id });
  for (const id of [-1, 2 ** 53, 1.5, "1", null, undefined, [1]]) {
    expect(text({ ...publish, id })[0]).toMatchObject({
      kind: "invalid",
      error: { code: "invalid_message" },
    });
    expect(text({ ...publish, id })[0]).not.toHaveProperty("id");
    expect(text({ type: "ping", id })[0]).toMatchObject({ kind: "invalid" });
  }
});

test("unknown types, and values that are no messages", () => {
  for (const type of ["Publish", "", 1, null, undefined, "hello", "__proto__"]) {
    expect(text({ ...publish, type })[0]).toMatchObject({ kind: "invalid", id: 1 });
  }
  for (const value of [1, null, "x", true, [[]], [null], [1]])
    expect(text(value)[0]).toMatchObject({ kind: "invalid" });
});

test("frames that are refused whole", () => {
  for (const frame of ["", "{", "[1,", "nonsense", '{"type":"publish"', "\u0000", "[".repeat(60_000)]) {
    expect(codeOf(() => parseClientText(frame, "viewer"))).toBe("invalid_message");
  }
  const ping = { type: "ping", id: 1 };
  expect(text(Array(1000).fill(ping))).toHaveLength(1000);
  expect(codeOf(() => text(Array(1001).fill(ping)))).toBe("too_large");
});

test("64 KiB of UTF-8, and one byte more", () => {
  const frame = (bytes: number, fill: string) => {
    const head = JSON.stringify(publish);
    return head + fill.repeat(Math.floor((bytes - head.length) / fill.length)).padEnd(bytes - head.length);
  };
  expect(parseClientText(frame(FRAME_BYTES_MAX, " "), "viewer")).toHaveLength(1);
  expect(codeOf(() => parseClientText(frame(FRAME_BYTES_MAX + 1, " "), "viewer"))).toBe("too_large");
  const wide = JSON.stringify("前".repeat((FRAME_BYTES_MAX - 2) / 3));
  expect(codeOf(() => parseClientText(`${wide} `, "viewer"))).toBe("none");
  expect(codeOf(() => parseClientText(`${wide}  `, "viewer"))).toBe("none");
  expect(codeOf(() => parseClientText(`${wide}   `, "viewer"))).toBe("too_large");
});

test("a uid and a class pass from every role, for policy to say who may", () => {
  for (const role of ["viewer", "moderator", "service"] as const) {
    const fields = { uid: "u2", class: "paid" } as const;
    const expected = { kind: "publish", draft: { uid: "u2", class: 3 } };
    expect(text({ ...publish, ...fields }, role)[0]).toMatchObject(expected);
    expect(parseClientTlv(tlv([{ ...publish, ...fields }]), role)[0]).toMatchObject(expected);
  }
});

test("only services and admins give names and attributes", () => {
  for (const fields of [{ name: "n" }, { attrs: {} }]) {
    for (const role of ["service", "admin"] as const) {
      expect(text({ ...publish, ...fields }, role)[0]?.kind).toBe("publish");
      expect(parseClientTlv(tlv([{ ...publish, ...fields } as ClientRecord]), role)[0]?.kind).toBe("publish");
    }
    for (const role of ["viewer", "moderator"] as const) {
      expect(text({ ...publish, ...fields }, role)[0]).toMatchObject({ kind: "invalid", id: 1 });
      expect(parseClientTlv(tlv([{ ...publish, ...fields } as ClientRecord]), role)[0]).toMatchObject({
        kind: "invalid",
        id: 1,
      });
    }
  }
});

test("binary frames say what text frames say", () => {
  const records: ClientRecord[] = [
    publish,
    { type: "ping", id: 2 },
    {
      type: "publish",
      id: 3,
      content: " trimmed ",
      mode: "top",
      color: "#fe0302",
      size: 64,
      key: "k",
      delayMs: 9,
    },
    { type: "publish", id: 4, content: "\u200b" },
    { type: "publish", id: 5, content: "x".repeat(201), deliverAt: 2 ** 40 },
    { type: "publish", id: 6, content: "a\u0007" },
  ];
  expect(parseClientTlv(tlv(records), "viewer")).toEqual(text(records));
  expect(parseClientTlv(new Uint8Array(0), "viewer")).toEqual([]);
});

test("binary frames that are refused whole or in part", () => {
  const pings = (count: number) => tlv(Array(count).fill({ type: "ping", id: 1 }));
  expect(parseClientTlv(pings(1000), "viewer")).toHaveLength(1000);
  expect(codeOf(() => parseClientTlv(pings(1001), "viewer"))).toBe("too_large");
  expect(codeOf(() => parseClientTlv(new Uint8Array(FRAME_BYTES_MAX + 1), "viewer"))).toBe("too_large");
  expect(codeOf(() => parseClientTlv(pings(2).subarray(0, 20), "viewer"))).toBe("invalid_message");
  const foreign = new Uint8Array(20);
  encodePing(foreign, encodeStats(foreign, 0, 5), 7);
  expect(parseClientTlv(foreign, "viewer")).toMatchObject([{ kind: "invalid" }, { kind: "ping", id: 7 }]);
});

test("any JSON value gives messages, never an exception", () => {
  fc.assert(
    fc.property(fc.json(), (frame) => {
      expect(codeOf(() => parseClientText(frame, "service"))).toBe("none");
    }),
    { numRuns: 2000 },
  );
});

test("any text gives messages or a code", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (frame) => {
      expect(codeOf(() => parseClientText(frame, "viewer"))).toMatch(/^(none|invalid_message)$/);
    }),
    { numRuns: 1000 },
  );
});
