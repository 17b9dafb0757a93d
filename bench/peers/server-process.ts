/** Starts server programs and waits until they listen. */
import type { Server } from "./target.ts";

const READY_LIMIT_MS = 15_000;
const EXIT_LIMIT_MS = 5_000;

export interface ServerProcess {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it is ready; asked again and again. Default: it accepts a connection on the port. */
  readonly isReady?: () => Promise<boolean>;
  readonly port: number;
  /** File that gets its standard error, for those who read it while it runs. */
  readonly errorFile?: string;
  /** After the end: what it wrote is removed. */
  readonly cleanUp?: () => void;
}

/** Spawns a server and waits for it. Rejects with what it printed where it ends or is not ready in time. */
export async function startServer(options: ServerProcess): Promise<Server> {
  const child = Bun.spawn([...options.command], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: options.errorFile === undefined ? "pipe" : Bun.file(options.errorFile),
  });
  const output = [new Response(child.stdout).text()];
  if (child.stderr instanceof ReadableStream) output.push(new Response(child.stderr).text());
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), EXIT_LIMIT_MS);
    await child.exited;
    clearTimeout(late);
    options.cleanUp?.();
  };
  const isReady = options.isReady ?? (() => accepts(options.port));
  const deadline = performance.now() + READY_LIMIT_MS;
  while (!(await isReady())) {
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (isOver || performance.now() > deadline) {
      await stop();
      throw new Error(`${options.command.join(" ")} is not ready:\n${(await Promise.all(output)).join("")}`);
    }
    await Bun.sleep(20);
  }
  return { pid: child.pid, stop };
}

/** Whether somebody listens on the port. */
export async function accepts(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
