/** The command line from outside: exit codes, and which of the two outputs says what. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify } from "jose";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "danmakud-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(argv: readonly string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "danmakud.ts"), ...argv], {
    env: { PATH: process.env.PATH, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, errors, code };
}

describe("help", () => {
  test("of the whole names every command", async () => {
    const { out, code } = await run(["--help"]);
    for (const name of ["serve", "replay", "tail", "export", "moderate", "token", "check-config"])
      expect(out).toContain(`  ${name}`);
    expect(code).toBe(0);
  });

  test.each(["serve", "replay", "tail", "export", "moderate", "token", "check-config"])(
    "of %s",
    async (name) => {
      const { out, errors, code } = await run([name, "--help"]);
      expect(out).toStartWith(`Usage: danmakud ${name} `);
      expect({ errors, code }).toEqual({ errors: "", code: 0 });
    },
  );

  test("the version", async () => {
    expect((await run(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("wrong usage exits with 2 and says why", () => {
  test.each([
    [[], "which command?"],
    [["sevre"], "unknown command sevre"],
    [["constructor"], "unknown command constructor"],
    [["simulate"], "simulate is not in this version"],
    [["serve", "--dev", "--nope"], "unknown flag --nope"],
    [["check-config"], "how do users sign in"],
    [["replay"], "which file?"],
    [["replay", "/nonexistent", "--room", "r"], "cannot read /nonexistent"],
    [["replay", "f"], "which room?"],
    [["replay", "f", "--room", "a/b"], "is no room"],
    [["replay", "f", "--room", "r", "--speed", "-1"], "--speed must be"],
    [["replay", import.meta.path, "--room", "r"], "is none of Bilibili XML, subtitles (ASS) and JSON lines"],
    [["export"], "which room?"],
    [["export", "r", "--format", "csv"], "--format must be one of xml, ass, jsonl"],
    [["export", "r", "--resolution", "big"], "--resolution must be a size such as 1920x1080"],
    [["moderate"], "what is to be done?"],
    [["moderate", "kick", "--uid", "u"], "what is to be done? One of mute, unmute, ban, unban"],
    [["moderate", "mute", "--room", "r"], "--uid must be"],
    [["moderate", "mute", "--uid", "u"], "which --room?"],
    [["moderate", "ban", "--uid", "u", "--room", "a/b"], "is no room"],
    [["moderate", "unban", "--uid", "u", "--seconds", "5"], "--seconds goes with"],
    [["moderate", "ban", "--uid", "u", "--seconds", "0"], "--seconds must be"],
    [["tail"], "which room?"],
    [["tail", "r", "s"], "unexpected argument"],
    [["tail", "r", "--last", "1001"], "--last must be"],
    [["tail", "r", "--url", "ftp://a"], "--url must be a URL"],
    [["token"], "--uid must be"],
    [["token", "--uid", "a b"], "--uid must be"],
    [["token", "--uid", "u", "--role", "king"], "--role must be one of"],
    [["token", "--uid", "u"], "which secret?"],
    [["token", "--uid", "u", "--auth-secret-file", "/nonexistent"], "/nonexistent"],
  ])("%j", async (argv, message) => {
    const { out, errors, code } = await run(argv);
    expect(errors).toStartWith("danmakud: ");
    expect(errors).toContain(message);
    expect({ out, code }).toEqual({ out: "", code: 2 });
  });

  test("a recording without comments", async () => {
    const file = join(folder, "empty.xml");
    writeFileSync(file, "<i><d></d></i>");
    const { errors, code } = await run(["replay", file, "--room", "r"]);
    expect(errors).toContain("no comments to publish (skipped 1 (malformed: 1))");
    expect(code).toBe(2);
  });
});

test("a token says who, and is signed with the node's secret", async () => {
  const secret = join(folder, "secret");
  writeFileSync(secret, "0123456789abcdef0123456789abcdef\n");
  const argv = [
    "token",
    "--uid",
    "u1",
    "--role",
    "moderator",
    "--name",
    "U",
    "--rooms",
    "a,b",
    "--expires",
    "1h",
  ];
  const { out, code } = await run(argv, {
    DANMAKUD_AUTH_SECRET_FILE: secret,
    DANMAKUD_AUTH_AUDIENCE: "live",
  });
  expect(code).toBe(0);
  const key = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
  const { payload } = await jwtVerify(out.trim(), key, { audience: "live" });
  expect(payload).toMatchObject({ sub: "u1", role: "moderator", name: "U", rooms: ["a", "b"] });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
});

describe("check-config", () => {
  test("says what would be run with", async () => {
    const { out, errors, code } = await run([
      "check-config",
      "--dev",
      "--grpc-port",
      "9090",
      "--data",
      folder,
    ]);
    expect(JSON.parse(out)).toMatchObject({ dev: true, data: folder, port: 8080 });
    expect(errors).toContain("warning: --grpc-port");
    expect(code).toBe(0);
  });

  test("finds the file that is not there", async () => {
    const { errors, code } = await run([
      "check-config",
      "--auth-secret-file",
      "/nonexistent",
      "--data",
      folder,
    ]);
    expect(errors).toContain("problem: cannot read /nonexistent");
    expect(code).toBe(1);
  });
});
