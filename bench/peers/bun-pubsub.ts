/** Bun's own pub/sub, which is uWebSockets, and the bare send loop that all systems are held against. */
import { type ServerProcess, startServer } from "./server-process.ts";
import { type SystemName, type Target, tallyPayloads } from "./target.ts";

const SERVER = new URL("./bun-pubsub-server.ts", import.meta.url).pathname;
/**
 * Bun's documentation leaves batching to the program. One write per viewer and message saturates a core far below the
 * rates compared here, so the program gathers, as anyone's would; the time is the longest that keeps P99 below 25 ms.
 */
const GATHER_MS = 10;
/** A danmakud record of a 64-byte text and a short uid; the loop's frames are to have the size of danmakud's. */
const RECORD_BYTES = 96;

export function bunTarget(
  name: SystemName,
  how: "publish" | "loop",
  settings: Pick<ServerProcess, "env" | "errorFile"> = {},
): Target {
  const recordBytes = how === "loop" ? RECORD_BYTES : 64;
  return {
    name,
    settings: { recordBytes },
    gatherMs: GATHER_MS,
    prepare: async () => undefined,
    start: ({ port, gatherMs = GATHER_MS }) =>
      startServer({
        command: [process.execPath, SERVER, ...[port, gatherMs, how, recordBytes].map(String)],
        port,
        ...settings,
      }),
    viewer: { path: () => "/view", count: tallyPayloads },
    publisher: {
      kind: "websocket",
      path: "/publish",
      encode: (payloads) => [Buffer.from(payloads.join(""))],
    },
  };
}

export const bunPubsub = bunTarget("bun-pubsub", "publish");
export const baseline = bunTarget("baseline", "loop");
