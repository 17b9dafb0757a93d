import packageFile from "ws/package.json";
import { startServer } from "./server-process.ts";
import { GATHER_MS, serverFile, whyNoNode } from "./servers/tools.ts";
import { type Target, tallyPayloads } from "./target.ts";

/** The WebSocket library that most Node servers use; see `servers/ws.mjs` for how it is set up. */
export const ws: Target = {
  name: "ws",
  settings: { version: packageFile.version, runtime: "node", framedOncePerMessage: true },
  gatherMs: GATHER_MS,
  prepare: async () => whyNoNode(),
  start: ({ port, gatherMs = GATHER_MS }) =>
    startServer({
      command: ["node", serverFile("ws.mjs")],
      env: { PORT: String(port), GATHER_MS: String(gatherMs), NODE_ENV: "production" },
      port,
    }),
  viewer: { path: () => "/", count: tallyPayloads },
  publisher: { kind: "websocket", path: "/publish", encode: (payloads) => [payloads.join("\n")] },
};
