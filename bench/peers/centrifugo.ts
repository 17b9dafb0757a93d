import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "./server-process.ts";
import { centrifugalPublisher, centrifugalViewer } from "./servers/centrifugal.ts";
import { CACHE_FOLDER, failureOf, outputOf } from "./servers/tools.ts";
import type { Target } from "./target.ts";

const VERSION = "v6.9.4";
const MODULE = "github.com/centrifugal/centrifugo/v6";
const FOLDER = join(CACHE_FOLDER, `centrifugo-${VERSION}`);
const EXECUTABLE = join(FOLDER, "centrifugo");

/**
 * Centrifugo as it is, built by the Go toolchain from its module.
 *
 * - Memory engine, the default, and no history, presence or log of connections: nothing but the broadcast.
 * - No gathering: the write delays of its documentation ("Message batching control") belong to the PRO version, and what
 *   the open one has, to join what waits for a connection into one frame, is always on.
 * - Write buffer pool, compression and buffer sizes as they are by default: the pool is for memory.
 */
export const centrifugo: Target = {
  name: "centrifugo",
  settings: { version: VERSION, encoding: "protobuf", engine: "memory" },
  async prepare() {
    if (existsSync(EXECUTABLE)) return undefined;
    if (outputOf("go", ["version"]) === undefined) return "no `go` on the PATH";
    mkdirSync(FOLDER, { recursive: true });
    return failureOf("go", ["install", `${MODULE}@${VERSION}`], { env: { GOBIN: FOLDER } });
  },
  start({ port }) {
    const folder = mkdtempSync(join(tmpdir(), "danmakud-centrifugo-"));
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify(configuration(port)));
    return startServer({
      command: [EXECUTABLE, "--config", file],
      port,
      cleanUp: () => rmSync(folder, { recursive: true, force: true }),
    });
  },
  viewer: centrifugalViewer,
  publisher: centrifugalPublisher,
};

/** Loopback only, and open: `insecure` lets everybody connect, subscribe and publish without a token. */
function configuration(port: number): unknown {
  return {
    http_server: { address: "127.0.0.1", port: String(port) },
    client: { insecure: true },
    http_api: { insecure: true },
    log: { level: "error" },
  };
}
