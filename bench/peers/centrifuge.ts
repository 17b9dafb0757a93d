import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "./server-process.ts";
import { centrifugalPublisher, centrifugalViewer } from "./servers/centrifugal.ts";
import { CACHE_FOLDER, failureOf, GATHER_MS, outputOf, serverFile } from "./servers/tools.ts";
import type { Target } from "./target.ts";

const SOURCE = serverFile("centrifuge");
const EXECUTABLE = join(CACHE_FOLDER, "centrifuge-server");

/**
 * The Go library that Centrifugo is made of, in a server of our own (`servers/centrifuge/main.go`) with its memory broker.
 * It stands beside `centrifugo`, whose own module is not to be had everywhere.
 *
 * - Our program gathers, before it publishes. The library can gather too, per connection (`WriteDelay`, which Centrifugo
 *   sells as PRO; `WRITE_DELAY_MS` here), but every payload then passes through every connection's queue: at 500/s to
 *   2,000 viewers 1.4 µs of CPU per delivery against 1.0, and at 2,000/s it fell behind.
 * - Protobuf, no history, no presence. Compression off and buffers as they are by default; the pool of write buffers is
 *   for memory, not for speed.
 */
export const centrifuge: Target = {
  name: "centrifuge",
  settings: { version: "v0.40.1", encoding: "protobuf", broker: "memory" },
  gatherMs: GATHER_MS,
  async prepare() {
    if (outputOf("go", ["version"]) === undefined) return "no `go` on the PATH";
    mkdirSync(CACHE_FOLDER, { recursive: true });
    return failureOf("go", ["build", "-o", EXECUTABLE, "."], { cwd: SOURCE });
  },
  start: ({ port, gatherMs = GATHER_MS }) =>
    startServer({
      command: [EXECUTABLE],
      env: { PORT: String(port), GATHER_MS: String(gatherMs) },
      port,
    }),
  viewer: centrifugalViewer,
  publisher: centrifugalPublisher,
};
