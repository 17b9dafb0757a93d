/** The SDK as it is published, in Node: written to a folder of its own, installed under its name, used and type-checked. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshRoom, makeTempDir, REPOSITORY_ROOT, removeTempDir, useNode } from "@danmakud/testkit";
import { writePackage } from "../../scripts/build-library.ts";

const node = useNode();
const project = makeTempDir("published");
const installed = join(project, "node_modules/@danmakud/client");

beforeAll(async () => {
  mkdirSync(installed, { recursive: true });
  cpSync(join(REPOSITORY_ROOT, "packages/client/package.json"), join(installed, "package.json"));
  await writePackage("packages/client", join(installed, "dist"));
  symlinkSync(join(REPOSITORY_ROOT, "node_modules/ws"), join(project, "node_modules/ws"));
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
});
afterAll(() => removeTempDir(project));

async function run(command: readonly string[], source: string, file: string) {
  writeFileSync(join(project, file), source);
  const child = Bun.spawn([...command, file], { cwd: project, stdout: "pipe", stderr: "pipe" });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, errors, code };
}

/** Joins, sends, waits for the own danmaku, and prints what it ran over. */
function script(room: string, options: string, imports = ""): string {
  return `
import { DanmakuClient, DanmakuError } from "@danmakud/client";
${imports}
const client = new DanmakuClient(${JSON.stringify(node().url)}, { uid: "ann", ${options} });
const room = client.room(${JSON.stringify(room)});
let transport;
room.on("state", (change) => (transport = change.transport ?? transport));
const seen = new Promise((resolve) => room.on("message", resolve));
const { offset } = await room.send({ content: "hello" });
const refusal = await room.send({ content: "\\u0007" }).catch((error) => error);
const message = await seen;
console.log(JSON.stringify({
  transport, offset, seen: message.offset, content: message.content,
  code: refusal instanceof DanmakuError ? refusal.code : String(refusal),
}));
client.close();
`;
}

const expected = { offset: 1, seen: 1, content: "hello", code: "invalid_message" };

describe.skipIf(Bun.which("node") === null)("in Node", () => {
  test("with the class of the package ws: by WebSocket", async () => {
    const source = script(freshRoom("node"), "WebSocket", 'import { WebSocket } from "ws";');
    const { out, errors, code } = await run(["node"], source, "ws.mjs");
    expect({ errors, code }).toEqual({ errors: "", code: 0 });
    expect(JSON.parse(out)).toEqual({ ...expected, transport: "websocket" });
  });

  test("without any WebSocket: by event stream", async () => {
    const source = `delete globalThis.WebSocket;\n${script(freshRoom("node"), "")}`;
    const { out, errors, code } = await run(["node"], source, "sse.mjs");
    expect({ errors, code }).toEqual({ errors: "", code: 0 });
    expect(JSON.parse(out)).toEqual({ ...expected, transport: "sse" });
  });

  test("the formats are there too", async () => {
    const source = `
import { readBilibiliXml, recordingWriter } from "@danmakud/client/formats";
const { comments } = readBilibiliXml('<i><d p="1.5,5,25,255,0,0,u1,0">&lt;666&gt;</d></i>');
console.log(comments.length + recordingWriter("ass").comment(comments[0]));`;
    const { out, errors, code } = await run(["node"], source, "formats.mjs");
    expect({ errors, code }).toEqual({ errors: "", code: 0 });
    expect(out).toStartWith("1Dialogue: 1,0:00:01.50,");
  });
});

test("the declarations stand alone and say what the code does", async () => {
  const source = `
import { DanmakuClient, DanmakuError, type StateChange, type DanmakuRecord } from "@danmakud/client";
import { readRecording, type Recording } from "@danmakud/client/formats";
const room = new DanmakuClient("wss://live.example", { getToken: async ({ refused }) => (refused ? "b" : "a") }).room("r");
const stop: () => void = room.on("state", (change: StateChange) => change.retryInMs?.toFixed());
room.on("batch", (batch: readonly DanmakuRecord[]) => batch.map(({ mode, class: rank }) => mode + rank));
const { offset }: { offset: number } = await room.send({ content: "x", mode: "top" });
const error = new DanmakuError("rate_limited", "slower", { retryAfterMs: 5 });
const wait: number | undefined = error.retryAfterMs;
const recording: Recording = readRecording("", "xml");
// @ts-expect-error no such mode
await room.send({ content: "x", mode: "spiral" });
// @ts-expect-error no such event
room.on("nothing", () => {});
export { offset, recording, stop, wait };
`;
  const flags = ["--strict", "--noEmit", "--module", "nodenext", "--target", "esnext", "--lib", "esnext,dom"];
  const tsc = join(REPOSITORY_ROOT, "node_modules/.bin/tsc");
  const { out, code } = await run([tsc, ...flags, "--exactOptionalPropertyTypes"], source, "consumer.ts");
  expect({ out, code }).toEqual({ out: "", code: 0 });
});
