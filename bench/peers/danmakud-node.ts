/** Starts nodes of danmakud, as `npm start` runs them but without limits unless asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startServer } from "./server-process.ts";
import type { Server } from "./target.ts";

const COMMAND = resolve(import.meta.dir, "../../scripts/danmakud");

export type Durability = "fsync" | "os" | "none";

/** How a node differs from one with the defaults. */
export interface NodeSettings {
  /** Only `fsync` (default) is how it runs by default. */
  readonly durability?: Durability;
  /** Default off. */
  readonly limits?: "on" | "off";
  /** More flags of `serve`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Port of the admin address; none by default. */
  readonly adminPort?: number;
  /** File that gets what the node writes on its standard error. */
  readonly errorFile?: string;
}

export function makeDataFolder(): string {
  return mkdtempSync(join(tmpdir(), "danmakud-bench-"));
}

export function removeDataFolder(data: string): void {
  rmSync(data, { recursive: true, force: true });
}

/** A node with its log in `data`, which is left as it is at the end. */
export function startNode(
  options: NodeSettings & { readonly port: number; readonly data: string },
): Promise<Server> {
  const { port, data, durability = "fsync", limits = "off", flags = [], env, adminPort, errorFile } = options;
  const admin = adminPort === undefined ? "off" : `127.0.0.1:${adminPort}`;
  const common = `--dev --limits ${limits} --demo off --port ${port} --grpc-port 0 --admin-listen ${admin} --durability ${durability}`;
  return startServer({
    command: ["sh", COMMAND, "serve", ...common.split(" "), ...flags, "--data", data],
    port,
    ...(env === undefined ? {} : { env }),
    ...(errorFile === undefined ? {} : { errorFile }),
    isReady: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      return answer?.ok === true;
    },
  });
}

/** The same with a data folder of its own, which goes with it. */
export async function startFreshNode(settings: NodeSettings & { readonly port: number }): Promise<Server> {
  const data = makeDataFolder();
  const server = await startNode({ ...settings, data });
  return {
    pid: server.pid,
    async stop() {
      await server.stop();
      removeDataFolder(data);
    },
  };
}
