import { join } from "node:path";
import type { Subprocess } from "bun";
import { keepForCleanup } from "../children.ts";
import { freePort } from "../free-port.ts";
import { OutputLog } from "../output-log.ts";
import { PATIENCE } from "../patience.ts";
import { makeTempDir, removeTempDir } from "../temp-dir.ts";
import { waitFor, within } from "../wait-for.ts";

/** Whether real Redis servers can be started here; tests skip where not. `npm test` installs them where it may. */
export const REDIS_AVAILABLE = Bun.which("redis-server") !== null;

export interface RedisServerOptions {
  /** Directives as on the command line: `["--maxmemory", "10mb"]`. */
  readonly flags?: readonly string[];
  readonly port?: number;
  /** Runs the data over restarts; default on, as an append-only file that every write reaches before its answer. */
  readonly persist?: boolean;
  /** `redis-sentinel` in place of a server. */
  readonly sentinelConfig?: string;
}

const START_TRIES_MAX = 5;

/**
 * Wraps a server so that it cannot outlive the tests, however they end: a shell reads from a pipe that only this process
 * holds open, and kills the server when the pipe breaks.
 */
const GUARD =
  '"$@" & child=$!; (cat >/dev/null; kill -9 $child 2>/dev/null) <&3 & exec 3<&-; echo "pid $child"; wait $child';

/** One real `redis-server` (or Sentinel) process on a port and folder of its own. */
export class RedisServer {
  readonly port: number;
  readonly dir = makeTempDir("redis");
  readonly #options: RedisServerOptions;
  readonly #output = new OutputLog();
  #guard: Subprocess<"pipe", "pipe", "pipe"> | undefined;
  #pid = 0;

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.#options = options;
  }

  /** Another process may take a port between the look and the start: then with another one. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(options.port ?? (await freePort()), options);
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.stop();
        const retry = options.port === undefined && /already in use/.test(server.log());
        if (!retry || attempt >= START_TRIES_MAX) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#pid;
  }

  get running(): boolean {
    return this.#guard !== undefined && this.#guard.exitCode === null && this.#guard.signalCode === null;
  }

  log(): string {
    return this.#output.text;
  }

  async start(): Promise<void> {
    if (this.running) throw new Error("the Redis server is running already");
    const guard = Bun.spawn(["sh", "-c", `exec 3<&0; ${GUARD}`, "sh", ...(await this.#command())], {
      cwd: this.dir,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    keepForCleanup(guard);
    this.#guard = guard;
    this.#pid = 0;
    this.#output.note(`[testkit] started on port ${this.port}`);
    this.#output.follow(guard.stdout);
    this.#output.follow(guard.stderr);
    await waitFor(
      () => `Redis on port ${this.port}:\n${this.log()}`,
      async () => !this.running || (await this.#answers()),
      { timeoutMs: PATIENCE.conditionMs },
    );
    if (!this.running) throw new Error(`Redis ended before it was ready:\n${this.log()}`);
    this.#pid = lastPid(this.log());
  }

  /** Sends the signal and waits for the end of the process. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.#guard || !this.running) return;
    process.kill(this.#pid, signal);
    await within(`Redis to end after ${signal}`, this.#guard.exited, PATIENCE.conditionMs);
    this.#guard.stdin.end();
  }

  /** Stops it in its tracks (SIGSTOP) until `resume`. */
  pause(): void {
    process.kill(this.#pid, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.#pid, "SIGCONT");
  }

  async restart(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.kill(signal);
    await this.start();
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill("SIGKILL");
    removeTempDir(this.dir);
  }

  /** Runs `redis-cli` on it and returns what that printed, trimmed. */
  async cli(...args: readonly string[]): Promise<string> {
    return await redisCli(["-p", String(this.port), ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #command(): Promise<string[]> {
    const { flags = [], persist = true, sentinelConfig } = this.#options;
    if (sentinelConfig !== undefined) {
      const file = join(this.dir, "sentinel.conf");
      if (!(await Bun.file(file).exists())) await Bun.write(file, sentinelConfig);
      return ["redis-sentinel", file, "--port", String(this.port)];
    }
    const append = persist ? ["--appendonly", "yes", "--appendfsync", "everysec"] : ["--appendonly", "no"];
    const own = [
      "--port",
      String(this.port),
      "--bind",
      "127.0.0.1",
      "--dir",
      this.dir,
      "--save",
      "",
      ...append,
    ];
    return ["redis-server", ...own, ...flags];
  }

  async #answers(): Promise<boolean> {
    const answer = await redisCli(["-p", String(this.port), "ping"]);
    return /PONG|NOAUTH/.test(answer);
  }
}

/** Runs `redis-cli ARGS…` with an errors-as-text answer; killed after `timeoutMs`. */
export async function redisCli(
  args: readonly string[],
  timeoutMs: number = PATIENCE.conditionMs,
): Promise<string> {
  const child = Bun.spawn(["redis-cli", ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  clearTimeout(timer);
  return `${out}${err}`.trim();
}

function lastPid(log: string): number {
  const pids = [...log.matchAll(/^pid (\d+)$/gm)];
  return Number(pids.at(-1)?.[1]);
}
