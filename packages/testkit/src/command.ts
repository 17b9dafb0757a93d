import { keepForCleanup } from "./children.ts";
import { OutputLog } from "./output-log.ts";
import { PATIENCE } from "./patience.ts";
import { DANMAKUD_COMMAND, REPOSITORY_ROOT } from "./repository.ts";

export interface CommandResult {
  /** Exit code; null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Killed and rejected after so many milliseconds. Default: `PATIENCE.nodeReadyMs`. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

/** A running `danmakud …` command; `await using` kills it at the end of the block. */
export interface RunningCommand extends AsyncDisposable {
  readonly pid: number;
  /** What it printed so far. */
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** The result, when it has ended and its output is read. */
  readonly result: Promise<CommandResult>;
}

/** Starts `danmakud ARGS…` and returns at once. Killed when the test process ends. */
export function startDanmakud(args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const child = Bun.spawn(["sh", DANMAKUD_COMMAND, ...args], {
    cwd: options.cwd ?? REPOSITORY_ROOT,
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  keepForCleanup(child);
  const stdout = new OutputLog();
  const stderr = new OutputLog();
  stdout.follow(child.stdout);
  stderr.follow(child.stderr);
  const finish = async (): Promise<CommandResult> => {
    await child.exited;
    await Promise.all([stdout.ended(), stderr.ended()]);
    return { code: child.exitCode, stdout: stdout.text, stderr: stderr.text };
  };
  const result = finish();
  return {
    pid: child.pid,
    stdout: () => stdout.text,
    stderr: () => stderr.text,
    signal: (signal) => child.kill(signal),
    result,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await result;
    },
  };
}

/** Runs `danmakud ARGS…` to its end. Rejects, with its output, where it takes longer than the time limit. */
export async function runDanmakud(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const command = startDanmakud(args, options);
  const timeoutMs = options.timeoutMs ?? PATIENCE.nodeReadyMs;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const output = `${command.stdout()}\n${command.stderr()}`;
    command.signal("SIGKILL");
    late.reject(new Error(`danmakud ${args.join(" ")} did not end within ${timeoutMs} ms:\n${output}`));
  }, timeoutMs);
  return await Promise.race([command.result, late.promise]).finally(() => clearTimeout(timer));
}
