import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { environmentName, renderFlags } from "./flags.ts";
import { SERVE_FLAGS } from "./serve-flags.ts";
import { isLoopbackHost, parseServe } from "./serve-options.ts";
import { UsageError } from "./usage-error.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "danmakud-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(yaml: string): string {
  const path = join(folder, "danmakud.yaml");
  writeFileSync(path, yaml);
  return path;
}

const dev = (...argv: string[]) => parseServe(["--dev", ...argv], {});

test("defaults", () => {
  expect(dev()).toMatchObject({
    host: "127.0.0.1",
    port: 8080,
    grpcPort: 9090,
    adminListen: { host: "127.0.0.1", port: 8081 },
    data: "./data",
    durability: "fsync",
    retain: 10_000,
    roomTtlS: 604_800,
    roomsMax: 1_000_000,
    roomLingerMs: 60_000,
    latencyTargetMs: 20,
    contentMax: 200,
    dev: true,
    insecureOpen: false,
    allowOrigin: [],
    limits: true,
    demo: true,
    warnings: [],
  });
  expect(dev().threads).toBeGreaterThanOrEqual(1);
  expect(parseServe(["--auth-secret-file", "s"], {})).toMatchObject({
    dev: false,
    demo: false,
    warnings: [],
  });
});

describe("sources", () => {
  test("a flag wins over the environment, which wins over the file", () => {
    const config = file("port: 1\nretain: 1\nrooms-max: 1\ndev: true\n");
    const environment = { DANMAKUD_CONFIG: config, DANMAKUD_PORT: "2", DANMAKUD_RETAIN: "2" };
    expect(parseServe(["--port", "3"], environment)).toMatchObject({
      port: 3,
      retain: 2,
      roomsMax: 1,
      dev: true,
    });
  });

  test("every flag has a variable and a key", () => {
    for (const { flag } of Object.values(SERVE_FLAGS)) {
      expect(environmentName(flag)).toMatch(/^DANMAKUD_[A-Z_]+$/);
      if (flag === "config") continue;
      expect(() => dev("--config", file(`${flag}: {}`))).toThrow("must be a plain value");
    }
  });

  test("keys in three spellings, values of every scalar type, lists", () => {
    const config = file(
      'room-ttl: 5m\nrooms_max: 7\nroomLingerMs: "9"\nlimits: off\ndemo: false\nredis:\nallow-origin: ["https://A.example", "http://b.example:81/"]\n',
    );
    expect(dev("--config", config)).toMatchObject({
      roomTtlS: 300,
      roomsMax: 7,
      roomLingerMs: 9,
      limits: false,
      demo: false,
      allowOrigin: ["https://a.example", "http://b.example:81"],
    });
  });

  test("an empty file and an empty variable say nothing", () => {
    expect(parseServe(["--dev", `--config=${file("# nothing\n")}`], { DANMAKUD_PORT: "" }).port).toBe(8080);
  });

  test("a repeated flag: the last counts, origins add up", () => {
    expect(dev("--port", "1", "--port=2").port).toBe(2);
    expect(dev("--allow-origin", "https://a.example", "--allow-origin=*").allowOrigin).toEqual([
      "https://a.example",
      "*",
    ]);
  });

  test("a switch may be taken back", () => {
    expect(parseServe(["--auth-jwks=https://a.example/k", "--dev=off"], { DANMAKUD_DEV: "1" }).dev).toBe(
      false,
    );
  });
});

describe("refused, and the message names the culprit", () => {
  test.each([
    [["--prt", "1"], "unknown flag --prt"],
    [["-p", "1"], "unknown flag -p"],
    [["--port"], "--port needs a value"],
    [["--port", "--dev"], "--port needs a value"],
    [["serve"], 'unexpected argument "serve"'],
    [["--port", "65536"], "--port must be a whole number from 0 to 65535"],
    [["--port", "-1"], "--port must be"],
    [["--port", "1.5"], "--port must be"],
    [["--port", "0x10"], "--port must be"],
    [["--threads", "0"], "--threads must be"],
    [["--durability", "sync"], "one of fsync, os, none"],
    [["--limits", "maybe"], "--limits must be on or off"],
    [["--admin-listen", "host"], "--admin-listen must be HOST:PORT or off"],
    [["--admin-listen", "a:99999"], "--admin-listen must be"],
    [["--room-ttl", "0"], "--room-ttl must be"],
    [["--room-ttl", "5w"], "--room-ttl must be"],
    [["--allow-origin", "https://a.example/path"], "--allow-origin must be origins"],
    [["--redis", "http://a"], "--redis must be redis://HOST"],
    [["--redis", "redis://a,b"], "--redis must be redis://HOST"],
    [["--redis-wait", "1"], "only with --redis"],
    [["--tls-cert", "c"], "belong together"],
    [["--auth-secret-file", "s"], "--dev means no sign-in"],
    [["--host", "0.0.0.0"], "--insecure-open"],
    [["--host", "example.com"], "--insecure-open"],
    [["--admin-listen", "0.0.0.0:8081"], "--insecure-open"],
    [["--config", "/nonexistent"], "cannot read the configuration"],
  ])("%j: %s", (argv, message) => {
    expect(() => dev(...argv)).toThrow(UsageError);
    expect(() => dev(...argv)).toThrow(message);
  });

  test.each([
    ["prt: 1", 'unknown key "prt"'],
    ["config: other.yaml", 'unknown key "config"'],
    ["port: 1\nPort: 2", "unknown key"],
    ["room-ttl: 1\nroom_ttl: 2", "given twice"],
    ["- port", "must be a mapping"],
    ["port: many", "port in "],
    ["port: [1", "cannot read the configuration"],
  ])("the file %j: %s", (yaml, message) => {
    expect(() => dev("--config", file(yaml))).toThrow(message);
  });

  test("a variable", () => {
    expect(() => parseServe(["--dev"], { DANMAKUD_PORT: "tcp://10.0.0.1:8080" })).toThrow(
      "DANMAKUD_PORT must be",
    );
  });

  test("no way to sign in", () => {
    expect(() => parseServe([], {})).toThrow("how do users sign in");
  });

  test("any arguments and any file: options or a UsageError", () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...Object.values(SERVE_FLAGS).map(({ flag }) => `--${flag}`),
        "--",
        "on",
        "off",
        "1",
        "=",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.string(), (argv, yaml) => {
        for (const given of [argv, ["--dev", "--config", file(yaml)]]) {
          try {
            parseServe(given, {});
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        }
      }),
    );
  });
});

describe("admin address", () => {
  test.each([
    ["off", null],
    ["9000", { host: "127.0.0.1", port: 9000 }],
    ["localhost:0", { host: "localhost", port: 0 }],
    ["[::1]:81", { host: "::1", port: 81 }],
  ] as const)("%s", (text, expected) => {
    expect(dev("--admin-listen", text).adminListen).toEqual(expected);
  });
});

describe("warnings", () => {
  test.each([
    [["--dev", "--grpc-port", "9090"], "no gRPC face"],
    [["--dev", "--limits", "off"], "--limits off"],
    [["--dev", "--insecure-open", "--host", "0.0.0.0"], "--insecure-open"],
    [["--dev", "--durability", "none"], "--durability none"],
    [["--auth-secret-file", "s", "--insecure-open"], "only with --dev"],
    [["--auth-secret-file", "s", "--admin-listen", "0.0.0.0:8081"], "open to other machines"],
  ])("%j", (argv, expected) => {
    const { warnings } = parseServe(argv, {});
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(expected);
  });

  test("none for what is off", () => {
    expect(dev("--grpc-port", "0").warnings).toEqual([]);
  });
});

test.each([
  ["localhost", true],
  ["LOCALHOST", true],
  ["127.0.0.1", true],
  ["127.255.3.4", true],
  ["::1", true],
  ["[::1]", true],
  ["127.0.0.256", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["0.0.0.0", false],
  ["::", false],
  ["", false],
])("%j is loopback: %p", (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

test("help has a line for every flag, with its default", () => {
  const help = renderFlags(SERVE_FLAGS);
  for (const { flag } of Object.values(SERVE_FLAGS)) expect(help).toContain(`  --${flag}`);
  expect(help).toContain("(default 127.0.0.1:8081)");
  expect(help).toContain("(default 7d)");
});
