import { describe, expect, test } from "bun:test";
import {
  freshRoom,
  makeTempDir,
  type RawAnswer,
  RawClient,
  rawHttp,
  removeTempDir,
  runDanmakud,
  useNode,
} from "@danmakud/testkit";

const node = useNode();
const BODY = '{"uid":"victim","content":"driven by a foreign page"}';

function publish(headers: Record<string, string>): Promise<RawAnswer> {
  const path = `/v1/rooms/${freshRoom("guard")}/danmaku`;
  return rawHttp(node().port, {
    method: "POST",
    path,
    body: BODY,
    headers: { "Content-Type": "application/json", ...headers },
  });
}

async function upgrade(headers: Record<string, string>): Promise<number> {
  const client = await RawClient.open({
    port: node().port,
    path: `/v1/rooms/${freshRoom("guard")}/ws`,
    headers,
  });
  client.destroy();
  return client.handshake.status;
}

const foreign: [string, Record<string, string>][] = [
  ["Origin of another site", { Origin: "https://evil.example" }],
  ["Origin null", { Origin: "null" }],
  ["Origin that begins like loopback", { Origin: "http://localhost.evil.example" }],
  ["Origin that looks like an address", { Origin: "http://127.0.0.1.evil.example" }],
  ["Origin with loopback as its user", { Origin: "http://localhost@evil.example" }],
  ["Host of another name", { Host: "evil.example" }],
  ["Host of another name with the port", { Host: "evil.example:8080" }],
  ["Host of another machine", { Host: "10.0.0.1" }],
];

describe("with --dev a foreign page", () => {
  test.each(foreign)("cannot publish: %s", async (_name, headers) => {
    const answer = await publish(headers);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "forbidden" });
  });

  test.each(foreign)("cannot open a WebSocket: %s", async (_name, headers) => {
    expect(await upgrade(headers)).toBe(403);
  });

  test.each(foreign)("cannot read: %s", async (_name, headers) => {
    const answer = await rawHttp(node().port, { path: "/v1/rooms?role=admin", headers });
    expect(answer.status).toBe(403);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test.each(foreign)("cannot reach the admin address: %s", async (_name, headers) => {
    for (const path of ["/metrics", "/debug/threads"]) {
      expect((await rawHttp(node().adminPort, { path, headers })).status).toBe(403);
    }
  });

  test("cannot post a form, which needs nobody's leave", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      expect((await publish({ "Content-Type": type })).status).toBe(415);
    }
  });
});

describe("with --dev a page of this machine", () => {
  const own: [string, Record<string, string>][] = [
    ["no Origin", {}],
    ["localhost on any port", { Origin: "http://localhost:3000" }],
    ["127.0.0.1", { Origin: "http://127.0.0.1:5173" }],
    ["IPv6 loopback", { Origin: "http://[::1]:5173" }],
    ["Host localhost", { Host: "localhost:8080" }],
  ];
  test.each(own)("may publish and watch: %s", async (_name, headers) => {
    expect((await publish(headers)).status).toBe(201);
    expect(await upgrade(headers)).toBe(101);
  });
});

test("--dev refuses to listen to other machines", async () => {
  const data = makeTempDir();
  const result = await runDanmakud([
    "serve",
    "--dev",
    "--host",
    "0.0.0.0",
    "--port",
    "18999",
    "--data",
    data,
  ]);
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain("--insecure-open");
  removeTempDir(data);
});

test("planted faults are refused unless the node was started for them", async () => {
  const answer = await rawHttp(node().adminPort, {
    method: "POST",
    path: "/debug/fault",
    headers: { "Content-Type": "application/json" },
    body: '{"thread":"gateway-0","fault":"crash"}',
  });
  expect(answer.status).toBeGreaterThanOrEqual(400);
});
