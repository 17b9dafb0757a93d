import { expect, test } from "bun:test";
import { entriesOf, streamsOf, streamWithoutGroup } from "./dispatch-replies.ts";

test("streams of a read, in the shapes of both protocols", () => {
  const entries = [["1-0", ["uid", "u"]]];
  const wanted = [["stream:room:{a}", [{ id: "1-0", fields: ["uid", "u"] }]]];
  expect(streamsOf(["stream:room:{a}", entries])).toEqual(wanted as never);
  expect(streamsOf([["stream:room:{a}", entries]])).toEqual(wanted as never);
  expect(streamsOf(null)).toEqual([]);
});

test("entries that are pending, but trimmed", () => {
  expect(entriesOf([["1-0", null], null, ["2-0", []]])).toEqual([
    { id: "1-0", fields: null },
    { id: "2-0", fields: [] },
  ]);
});

test("the stream whose group is missing", () => {
  const key = "stream:room:{a}";
  const text = `NOGROUP No such key '${key}' or consumer group 'cg-danmu' in XREADGROUP with GROUP option`;
  expect(streamWithoutGroup(new Error(text))).toBe(key);
  expect(
    streamWithoutGroup(new Error("NOGROUP the consumer group this client was blocked on no longer exists")),
  ).toBe("");
  expect(streamWithoutGroup(new Error("UNBLOCKED the stream key no longer exists"))).toBe("");
  expect(streamWithoutGroup(new Error("READONLY"))).toBeUndefined();
});
