import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "./server-process.ts";
import { centrifugalPublisher, centrifugalViewer } from "./servers/centrifugal.ts";
import { CACHE_FOLDER, failureOf, outputOf, serverFile } from "./servers/tools.ts";
import type { Target } from "./target.ts";

/** About the longest that keeps P99 below 25 ms with 2,000 viewers. */
const GATHER_MS = 12;
const SOURCE = serverFile("centrifuge");
const EXECUTABLE = join(CACHE_FOLDER, "centrifuge-server");

/**
 * The Go library that Centrifugo is made of, in a server of our own (`servers/centrifuge/main.go`) with its memory broker.
 * It stands beside `centrifugo`, whose own module is not to be had everywhere.
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
