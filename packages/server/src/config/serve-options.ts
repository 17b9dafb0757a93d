/** From arguments, environment and file to what one node runs with. */
import type { Durability } from "@danmakud/core/ports";
import { readConfigFile } from "./config-file.ts";
import { type FlagValues, readArguments, readEnvironment, resolveFlags, type Source } from "./flags.ts";
import { SERVE_FLAGS } from "./serve-flags.ts";
import { UsageError } from "./usage-error.ts";
import type { ListenAddress } from "./values.ts";

/** What `runServe` needs to know, checked: no combination in it needs a second look. */
export interface ServeOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** 0 = off. */
  readonly grpcPort: number;
  /** Null = no admin address. Port 0 = any free port. */
  readonly adminListen: ListenAddress | null;
  /** Folder of the embedded log; may not exist yet. */
  readonly data: string;
  readonly durability: Durability;
  readonly redis?: string | undefined;
  readonly redisWait: number;
  /** Gateway threads. */
  readonly threads: number;
  /** Danmaku kept per room. */
  readonly retain: number;
  /** Seconds after which an untouched room is forgotten. */
  readonly roomTtlS: number;
  readonly roomsMax: number;
  /** Milliseconds that an empty room's window stays in memory. */
  readonly roomLingerMs: number;
  /** Milliseconds in which a large room's viewers should all have a danmaku. */
  readonly latencyTargetMs: number;
  /** Code points of content at most. */
  readonly contentMax: number;
  /** No sign-in; loopback `Host` and `Origin` only, unless `insecureOpen`. */
  readonly dev: boolean;
  readonly insecureOpen: boolean;
  readonly authSecretFile?: string | undefined;
  readonly authJwks?: string | undefined;
  readonly authAudience?: string | undefined;
  /** Origins in lower case, or `*`. */
  readonly allowOrigin: readonly string[];
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** WebSocket upgrades and openings of event streams per second, of each gateway thread. */
  readonly handshakesPerSecond: number;
  /** Rate limits apply. */
  readonly limits: boolean;
  readonly demo: boolean;
  /** What the operator should hear at the start, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Options of `danmakud serve`: a flag wins over the environment, which wins over the file of `--config`.
 * @throws UsageError for anything unknown, out of range or contradictory.
 */
export function parseServe(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServeOptions {
  const given: Source[] = [
    readArguments(SERVE_FLAGS, argv).source,
    readEnvironment(SERVE_FLAGS, environment),
  ];
  const { config } = resolveFlags({ config: SERVE_FLAGS.config }, given);
  if (config !== undefined) {
    const { config: _itself, ...settings } = SERVE_FLAGS;
    given.push(readConfigFile(settings, config));
  }
  const { config: _path, ...values } = resolveFlags(SERVE_FLAGS, given);
  refuseContradictions(values);
  const grpcAsked = given.some(({ texts }) => texts.has(SERVE_FLAGS.grpcPort.flag));
  return { ...values, demo: values.demo ?? values.dev, warnings: collectWarnings(values, grpcAsked) };
}

type Values = Omit<FlagValues<typeof SERVE_FLAGS>, "config">;

function refuseContradictions(values: Values): void {
  const signIn = values.authSecretFile !== undefined || values.authJwks !== undefined;
  if (values.redis === undefined && values.redisWait > 0)
    throw new UsageError("--redis-wait has a meaning only with --redis");
  if (values.dev && (signIn || values.authAudience !== undefined)) {
    throw new UsageError("--dev means no sign-in: leave out either --dev or the --auth-… flags");
  }
  if (!values.dev && !signIn) {
    throw new UsageError(
      "how do users sign in? Give --auth-secret-file or --auth-jwks, or --dev for none at all",
    );
  }
  if ((values.tlsCert === undefined) !== (values.tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key belong together");
  }
  if (!values.dev || values.insecureOpen) return;
  for (const host of [values.host, values.adminListen?.host]) {
    if (host === undefined || isLoopbackHost(host)) continue;
    throw new UsageError(
      `--dev asks nobody to sign in and so listens on this machine only, not on ${host}; --insecure-open allows it`,
    );
  }
}

function collectWarnings(values: Values, grpcAsked: boolean): readonly string[] {
  const warnings: string[] = [];
  if (grpcAsked && values.grpcPort !== 0) {
    warnings.push("--grpc-port: this version has no gRPC face, nothing listens there");
  }
  if (!values.limits) warnings.push("--limits off: nothing slows anybody down; for benchmarks only");
  if (values.dev && values.insecureOpen) {
    warnings.push("--insecure-open: anybody who reaches this address may do anything under any name");
  }
  if (!values.dev && values.insecureOpen) warnings.push("--insecure-open has a meaning only with --dev");
  if (!values.dev && values.adminListen !== null && !isLoopbackHost(values.adminListen.host)) {
    warnings.push("--admin-listen: the admin address asks nobody to sign in and is open to other machines");
  }
  if (values.durability === "none") {
    warnings.push(
      "--durability none: nothing is synced to the disk, a crash of the machine may damage the log",
    );
  }
  return warnings;
}

/** Whether a listening address is this machine's own: `localhost`, `127.0.0.0/8`, `::1`. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name);
}
