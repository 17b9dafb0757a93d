import { PATIENCE } from "./patience.ts";

export interface WaitOptions {
  /** Gives up after so many milliseconds. Default: `PATIENCE.conditionMs`. */
  readonly timeoutMs?: number;
  /** Pause between two looks, milliseconds. Default 10. */
  readonly intervalMs?: number;
}

type Truthy<T> = Exclude<T, false | undefined | null | 0 | "">;

/**
 * Waits until `check` returns something truthy, and returns that. `what` names the condition in the error (a function
 * is called at the time-out, so that it can tell how far things came). A check that throws counts as not yet true; the
 * last thing thrown becomes the error's cause.
 */
export async function waitFor<T>(
  what: string | (() => string),
  check: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Truthy<T>> {
  const timeoutMs = options.timeoutMs ?? PATIENCE.conditionMs;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value) return value as Truthy<T>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const name = typeof what === "string" ? what : what();
      throw new Error(`gave up after ${timeoutMs} ms waiting for ${name}`, { cause });
    }
    await Bun.sleep(options.intervalMs ?? 10);
  }
}

/** Settles as `promise` does, or rejects after `timeoutMs` with an error that names `what`. */
export function within<T>(
  what: string,
  promise: Promise<T>,
  timeoutMs: number = PATIENCE.conditionMs,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`gave up after ${timeoutMs} ms waiting for ${what}`)),
    timeoutMs,
  );
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}
