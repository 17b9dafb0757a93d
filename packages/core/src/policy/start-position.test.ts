import { describe, expect, test } from "bun:test";
import { DanmakuError, ID_MAX } from "@danmakud/wire";
import type { StartPosition } from "../rooms/hub.ts";
import { parseStart } from "./start-position.ts";

function start(query: string): StartPosition {
  return parseStart(new URLSearchParams(query));
}

describe("parseStart", () => {
  test("head, last, resume, and a resume before last", () => {
    expect(start("")).toEqual({ kind: "head" });
    expect(start("last=0")).toEqual({ kind: "head" });
    expect(start("last=1000")).toEqual({ kind: "last", records: 1000 });
    expect(start("after=0&epoch=e")).toEqual({ kind: "resume", epoch: "e", after: 0 });
    expect(start(`after=${ID_MAX}&epoch=e&last=5`)).toEqual({
      kind: "resume",
      epoch: "e",
      after: ID_MAX,
    });
  });

  test("after without epoch belongs to no epoch", () => {
    expect(start("after=7")).toEqual({ kind: "resume", epoch: "", after: 7 });
  });

  test.each([
    "last=1001",
    "last=-1",
    "last=",
    "last=1e2",
    "last=0x10",
    "last=+1",
    "last=1.0",
    `after=${ID_MAX + 1}&epoch=e`,
    "after=NaN&epoch=e",
    "after=99999999999999999&epoch=e",
  ])("refuses %s", (query) => {
    expect(() => start(query)).toThrow(DanmakuError);
  });
});
