/** Real dispatch workers as processes. */
import {
  freePort,
  type RunningCommand,
  startDanmakud,
  waitFor,
} from "../../../packages/testkit/src/index.ts";

export interface TestWorker extends RunningCommand {
  metric(name: string): Promise<number>;
  isReady(): Promise<boolean>;
  ready(): Promise<void>;
}

export function startWorker(redisUrl: string, ...flags: readonly string[]): Promise<TestWorker> {
  return startWorkerIn({}, redisUrl, ...flags);
}

/** With more in its environment. */
export async function startWorkerIn(
  env: Readonly<Record<string, string>>,
  redisUrl: string,
  ...flags: readonly string[]
): Promise<TestWorker> {
  const port = await freePort();
  const listen = ["--admin-listen", `127.0.0.1:${port}`];
  const command = startDanmakud(["dispatch", "--redis", redisUrl, ...listen, ...flags], { env });
  const get = async (path: string) =>
    await fetch(`http://127.0.0.1:${port}${path}`, { keepalive: false, signal: AbortSignal.timeout(2_000) });
  const isReady = async () => {
    const answer = await get("/readyz").catch(() => undefined);
    await answer?.text();
    return answer?.status === 200;
  };
  return Object.assign(command, {
    metric: async (name: string) => {
      const text = await (await get("/metrics")).text();
      return Number(new RegExp(`^danmakud_dispatch_${name} (\\S+)`, "m").exec(text)?.[1]);
    },
    isReady,
    ready: async () => {
      await waitFor(() => `the worker to be ready:\n${command.stderr()}`, isReady, { intervalMs: 50 });
    },
  });
}
