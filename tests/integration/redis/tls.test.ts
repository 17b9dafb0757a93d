/** Redis behind TLS, with a certificate of an authority of its own. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import {
  freePort,
  freshRoom,
  makeTempDir,
  REDIS_AVAILABLE,
  RedisServer,
  RoomApi,
  removeTempDir,
  runDanmakud,
  startNode,
  TEST_LIMIT_MS,
  waitFor,
} from "@danmakud/testkit";
import { readArchive } from "../dispatch/archive-check.ts";
import { startWorkerIn } from "../dispatch/test-worker.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const CAN_SIGN = Bun.which("openssl") !== null;
if (!REDIS_AVAILABLE || !CAN_SIGN)
  console.log("left out: Redis behind TLS; it needs redis-server and openssl");

function openssl(dir: string, ...args: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: dir, stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

/** An authority (`ca.pem`) and a certificate signed by it (`server.pem`, `server.key`). */
function makeCertificates(dir: string): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const authority = ["-x509", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"];
  openssl(dir, "req", ...key, ...authority);
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const signed = [
    "-x509",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-keyout",
    "server.key",
    "-out",
    "server.pem",
  ];
  openssl(dir, "req", ...key, ...names, ...signed);
}

describe.skipIf(!REDIS_AVAILABLE || !CAN_SIGN)("a Redis behind TLS", () => {
  const dir = makeTempDir("tls");
  let server: RedisServer;
  let url = "";
  const env = { NODE_EXTRA_CA_CERTS: join(dir, "ca.pem") };
  beforeAll(async () => {
    makeCertificates(dir);
    const port = await freePort();
    const files = ["cert-file", "key-file", "ca-cert-file"].flatMap((name, index) => [
      `--tls-${name}`,
      join(dir, ["server.pem", "server.key", "ca.pem"][index] as string),
    ]);
    server = await RedisServer.start({
      flags: ["--tls-port", String(port), "--tls-auth-clients", "no", ...files],
    });
    url = `rediss://localhost:${port}`;
  });
  afterAll(async () => {
    await server?.stop();
    removeTempDir(dir);
  });

  test("serves nodes and dispatch workers that know its authority", async () => {
    const folder = makeTempDir("archive");
    await using node = await startNode({ flags: ["--redis", url], env });
    await using worker = await startWorkerIn(env, url, "--sink", `archive:${folder}`);
    const room = freshRoom("tls");
    const api = new RoomApi(node.url, room);
    await api.mustPublish({ uid: "u", content: "by TLS" });
    expect((await api.all()).map(({ content }) => content)).toEqual(["by TLS"]);
    await worker.ready();
    await waitFor("it to be archived", async () => (await worker.metric("acked_total")) === 1);
    expect([...readArchive(folder).values()].flat()).toMatchObject([{ room, content: "by TLS" }]);
    removeTempDir(folder);
  });

  test("is refused by a node that does not, with the reason", async () => {
    const flags = ["serve", "--dev", "--port", "0", "--admin-listen", "off", "--demo", "off"];
    const { code, stderr } = await runDanmakud([...flags, "--redis", url]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`${url} does not answer`);
    expect(stderr).toMatch(/certificate/i);
  });
});
