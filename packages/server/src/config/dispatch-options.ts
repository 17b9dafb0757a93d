/** From arguments and environment to what one dispatch worker runs with. */
import { isUid } from "@danmakud/wire";
import { parseRedisUrl, type RedisAddress } from "../adapters/redis/redis-url.ts";
import { SINKS_MAX } from "../dispatch/limits.ts";
import { DISPATCH_FLAGS } from "./dispatch-flags.ts";
import { type FlagValues, readArguments, readEnvironment, resolveFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** What `runDispatch` needs to know, checked. */
export interface DispatchOptions extends Omit<FlagValues<typeof DISPATCH_FLAGS>, "redis" | "sink" | "name"> {
  readonly redis: RedisAddress;
  /** As given; at least one. */
  readonly sinks: readonly string[];
  /** Undefined = one is made up. */
  readonly name: string | undefined;
}

/** @throws UsageError for anything unknown, missing or out of range. */
export function parseDispatch(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DispatchOptions {
  const sources = [readArguments(DISPATCH_FLAGS, argv).source, readEnvironment(DISPATCH_FLAGS, environment)];
  const { redis, sink, name, ...values } = resolveFlags(DISPATCH_FLAGS, sources);
  if (redis === undefined)
    throw new UsageError("where are the rooms' logs? Give --redis URL, the same as to serve");
  if (sink === undefined) {
    throw new UsageError("where to? Give --sink archive:FOLDER, webhook:URL, or a module of your own");
  }
  const sinks = sink.split(",").map((text) => text.trim());
  if (sinks.some((text) => text === "")) throw new UsageError("--sink must not be empty");
  if (sinks.length > SINKS_MAX) throw new UsageError(`--sink: at most ${SINKS_MAX}`);
  if (name !== undefined && !isUid(name)) {
    throw new UsageError("--name must be 1 to 64 characters of A-Z a-z 0-9 _ . -");
  }
  return { ...values, redis: addressOf(redis), sinks, name };
}

function addressOf(url: string): RedisAddress {
  try {
    return parseRedisUrl(url);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
