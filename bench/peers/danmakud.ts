/** danmakud itself: one node with the embedded log, as `npm start` runs it, without limits on publishers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { encodeClientRecord, RECORD_TYPES, recordStride, recordType } from "@danmakud/wire";
import { startServer } from "./server-process.ts";
import type { Server, Target } from "./target.ts";

const COMMAND = resolve(import.meta.dir, "../../scripts/danmakud");
const PATH = "/v1/rooms/bench/ws";
/** Where a gap record keeps the lower halves of its ends, see docs/protocol.md. */
const GAP_FROM = 4;
const GAP_TO = 8;
const PUBLISH_BYTES_MAX = 256;

const scratch = new Uint8Array(64 * 1024);

export type Durability = "fsync" | "os" | "none";

export function makeDataFolder(): string {
  return mkdtempSync(join(tmpdir(), "danmakud-bench-"));
}

export function removeDataFolder(data: string): void {
  rmSync(data, { recursive: true, force: true });
}

/** A node with its log in `data`, which is left as it is at the end. */
export function startNode(options: {
  readonly port: number;
  readonly data: string;
  readonly durability: Durability;
  /** Default off. */
  readonly limits?: "on" | "off";
}): Promise<Server> {
  const { port, data, durability, limits = "off" } = options;
  const flags = `--dev --limits ${limits} --demo off --port ${port} --grpc-port 0 --admin-listen off --durability ${durability}`;
  return startServer({
    command: ["sh", COMMAND, "serve", ...flags.split(" "), "--data", data],
    port,
    isReady: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      return answer?.ok === true;
    },
  });
}

/** `durability`: the node's flag; only `fsync` is how it runs by default. */
export function danmakudTarget(durability: Durability = "fsync"): Target {
  return {
    name: "danmakud",
    settings: { encoding: "tlv", durability },
    prepare: async () => undefined,
    async start({ port }) {
      const data = makeDataFolder();
      const server = await startNode({ port, data, durability });
      return {
        pid: server.pid,
        async stop() {
          await server.stop();
          removeDataFolder(data);
        },
      };
    },
    viewer: {
      path: (viewer) => `${PATH}?uid=viewer-${viewer}`,
      subprotocol: "danmaku.tlv.v1",
      isJoined: (message) => recordType(message, 0) === RECORD_TYPES.hello,
      count(message, into) {
        for (let at = 0; at < message.length; at += recordStride(message, at)) {
          const type = recordType(message, at);
          if (type === RECORD_TYPES.danmaku) into.records++;
          else if (type === RECORD_TYPES.gap) {
            into.skipped += readU32(message, at + GAP_TO) - readU32(message, at + GAP_FROM) + 1;
          }
        }
      },
    },
    publisher: {
      kind: "websocket",
      path: `${PATH}?uid=publisher&role=service`,
      subprotocol: "danmaku.tlv.v1",
      isReady: (message) => recordType(message, 0) === RECORD_TYPES.hello,
      encode(payloads, first) {
        const messages: Uint8Array[] = [];
        let end = 0;
        payloads.forEach((content, i) => {
          if (end + PUBLISH_BYTES_MAX > scratch.length) {
            messages.push(scratch.slice(0, end));
            end = 0;
          }
          end = encodeClientRecord({ type: "publish", id: first + i, content }, scratch, end);
        });
        if (end > 0) messages.push(scratch.slice(0, end));
        return messages;
      },
      answers(message, into) {
        for (let at = 0; at < message.length; at += recordStride(message, at)) {
          const type = recordType(message, at);
          if (type === RECORD_TYPES.ack) into.accepted++;
          else if (type === RECORD_TYPES.error) into.refused++;
        }
      },
    },
  };
}

export const danmakud = danmakudTarget();

function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}
