import { expect, test } from "bun:test";
import { bilibiliContents, generateComments, toBilibiliXml } from "./comments.ts";
import { recordedFile } from "./repository.ts";
import { waitFor, within } from "./wait-for.ts";

test("the same seed gives the same comments, all different", () => {
  const comments = generateComments(500);
  expect(generateComments(500)).toEqual(comments);
  expect(new Set(comments.map((comment) => comment.content)).size).toBe(500);
});

test("a written file reads back", () => {
  const comments = generateComments(200);
  expect(bilibiliContents(toBilibiliXml(comments))).toEqual(comments.map((comment) => comment.content));
});

test("a recording that is not there is no error", () => {
  expect(recordedFile("no-such-file.xml")).toBeUndefined();
});

test("a wait that is in vain says what it waited for, and why", async () => {
  const hopeless = waitFor("rain", () => JSON.parse("{"), { timeoutMs: 20 });
  const error = await hopeless.catch((reason: Error) => reason);
  expect(String(error)).toMatch(/waiting for rain/);
  expect((error as Error).cause).toBeInstanceOf(SyntaxError);
  await expect(within("snow", new Promise<void>(() => {}), 5)).rejects.toThrow(/snow/);
});
