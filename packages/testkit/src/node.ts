import type { Subprocess } from "bun";
import { keepForCleanup } from "./children.ts";
import { freePort } from "./free-port.ts";
import { NodeAdmin } from "./node-admin.ts";
import { OutputLog } from "./output-log.ts";
import { PATIENCE } from "./patience.ts";
import { DANMAKUD_COMMAND, REPOSITORY_ROOT } from "./repository.ts";
import { makeTempDir, removeTempDir } from "./temp-dir.ts";
import { waitFor, within } from "./wait-for.ts";

export interface NodeOptions {
  /** More `serve` flags, as on the command line; they replace the launcher's own of the same name. */
  readonly flags?: readonly string[];
  /** Data folder; kept at `stop`. Default: one of its own in the temporary folder, removed at `stop`. */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Public port. Default: a free one. */
  readonly port?: number;
}

/** Another process may take a port between the look and the start; after so many tries something else is wrong. */
const START_TRIES_MAX = 3;

/** Names the Redis service that all nodes of a test run use for their log; unset = each has its own on disk. */
export const SHARED_LOG_VARIABLE = "DANMAKUD_TEST_REDIS";

/**
 * Starts a real node (`scripts/danmakud serve --dev --demo off …`) on loopback and waits until it is ready. Rejects with the
 * node's output where it does not become ready.
 */
export async function startNode(options: NodeOptions = {}): Promise<TestNode> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const node = new TestNode(options, port, await freePort());
    try {
      await node.start();
      return node;
    } catch (error) {
      await node.stop();
      const retry = options.port === undefined && /EADDRINUSE|listens there/i.test(node.log());
      if (!retry || attempt >= START_TRIES_MAX) throw error;
    }
  }
}

/** One node under test, through any number of lives of its process. Keeps port and data folder over a restart. */
export class TestNode {
  readonly port: number;
  readonly adminPort: number;
  readonly dataDir: string;
  /** The admin address: metrics, threads, planted faults. */
  readonly admin: NodeAdmin;
  readonly #options: NodeOptions;
  readonly #output = new OutputLog();
  readonly #ownsData: boolean;
  #child: Subprocess<"ignore", "pipe", "pipe"> | undefined;

  constructor(options: NodeOptions, port: number, adminPort: number) {
    this.#options = options;
    this.port = port;
    this.adminPort = adminPort;
    this.#ownsData = options.dataDir === undefined;
    this.dataDir = options.dataDir ?? makeTempDir();
    this.admin = new NodeAdmin(this.adminUrl);
  }

  /** `http://…` without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.adminPort}`;
  }

  /** Address of a room's WebSocket; `query` without the question mark. */
  socketUrl(room: string, query = ""): string {
    return `ws://127.0.0.1:${this.port}/v1/rooms/${room}/ws${query === "" ? "" : `?${query}`}`;
  }

  get pid(): number {
    if (!this.#child) throw new Error("the node is not running");
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Everything the node printed, over all its lives. */
  log(): string {
    return this.#output.text;
  }

  /** The command line that `start` runs. */
  commandLine(): string[] {
    const given = this.#options.flags ?? [];
    const names = new Set(given.map((flag) => flag.split("=", 1)[0]));
    const defaults: [string, string?][] = [
      ["--dev"],
      ["--demo", "off"],
      ["--host", "127.0.0.1"],
      ["--port", String(this.port)],
      ["--grpc-port", "0"],
      ["--admin-listen", `127.0.0.1:${this.adminPort}`],
      ["--data", this.dataDir],
    ];
    // The same suites run on a log in Redis.
    const { [SHARED_LOG_VARIABLE]: redis } = process.env;
    if (redis !== undefined) defaults.push(["--redis", redis]);
    const own = defaults.filter(([name]) => !names.has(name)).flat();
    return ["sh", DANMAKUD_COMMAND, "serve", ...own, ...given] as string[];
  }

  /** Starts the process and waits until `/readyz` says yes. */
  async start(): Promise<void> {
    if (this.running) throw new Error("the node is running already");
    const child = Bun.spawn(this.commandLine(), {
      cwd: REPOSITORY_ROOT,
      env: { ...process.env, ...this.#options.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    keepForCleanup(child);
    this.#child = child;
    this.#output.note(`[testkit] started, process ${child.pid}`);
    this.#output.follow(child.stdout);
    this.#output.follow(child.stderr);
    await this.ready();
  }

  /** Waits until the node answers that it is ready; rejects at once where its process has ended. */
  async ready(timeoutMs: number = PATIENCE.nodeReadyMs): Promise<void> {
    await waitFor(
      () => `the node on port ${this.port} to be ready:\n${this.log()}`,
      async () => !this.running || (await this.isReady()),
      { timeoutMs, intervalMs: 20 },
    );
    if (this.running) return;
    await this.#output.ended();
    throw new Error(`the node ended before it was ready:\n${this.log()}`);
  }

  /** Whether `/readyz` says yes now. */
  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/readyz`, {
        signal: AbortSignal.timeout(2_000),
        keepalive: false,
      });
      await answer.text();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  /** Sends the signal and waits for the end of the process. Returns its exit code, null where the signal ended it. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    const child = this.#child;
    if (!child) throw new Error("the node is not running");
    child.kill(signal);
    await within(`the node to end after ${signal}`, child.exited, PATIENCE.nodeExitMs);
    this.#output.note(`[testkit] ended after ${signal}: ${child.exitCode ?? child.signalCode}`);
    this.#child = undefined;
    return child.signalCode === null ? child.exitCode : null;
  }

  /** Starts the process again on the same port and data; one that still runs is asked to end first (SIGTERM). */
  async restart(): Promise<void> {
    if (this.#child) await this.kill("SIGTERM");
    await this.start();
  }

  /** Ends the process, politely where it can be, and removes the data folder if the launcher made it. */
  async stop(): Promise<void> {
    if (this.running) {
      await this.kill("SIGTERM").catch(() => this.kill("SIGKILL"));
    }
    if (this.#ownsData) removeTempDir(this.dataDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
