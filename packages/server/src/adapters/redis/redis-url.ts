/**
 * The address of a Redis service, as operators write it:
 *
 *     redis://[user:password@]host[:6379][/db]
 *     redis+sentinel://[user:password@]host[:26379][,host…]/master-name[?sentinelUser=…&sentinelPassword=…]
 *     redis+cluster://[user:password@]host[:6379][,host…]
 *
 * with `rediss` in place of `redis` for TLS. Several hosts by commas are seeds of one service.
 */
import { REDIS_LIMITS } from "./limits.ts";

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  readonly kind: "standalone" | "sentinel" | "cluster";
  readonly hosts: readonly RedisHost[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Number of the database; 0 but for a standalone server or Sentinel. */
  readonly db: number;
  /** Name under which the Sentinels know the master. */
  readonly master?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
}

const URL_FORM =
  /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const HOST_FORM = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/;

/** @throws Error with a sentence for the operator, which never holds the password. */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme, form, credentials, hostList, path, query] = URL_FORM.exec(url.trim()) ?? [];
  if (hostList === undefined) {
    throw new Error("a Redis URL is redis://HOST, redis+sentinel://HOST,…/MASTER or redis+cluster://HOST,…");
  }
  const kind = (form ?? "standalone") as RedisAddress["kind"];
  const hosts = hostList.split(",").map((host) => parseHost(host, kind === "sentinel" ? 26_379 : 6379));
  if (hosts.length > REDIS_LIMITS.hostsMax)
    throw new Error(`more than ${REDIS_LIMITS.hostsMax} hosts in a Redis URL`);
  if (kind === "standalone" && hosts.length > 1) {
    throw new Error("redis:// names one server; for several use redis+sentinel:// or redis+cluster://");
  }
  const parameters = new URLSearchParams(query ?? "");
  for (const name of parameters.keys()) {
    if (kind === "sentinel" && SENTINEL_PARAMETERS.includes(name)) continue;
    throw new Error(`unknown parameter ${name} in a ${scheme}${form === undefined ? "" : `+${form}`}:// URL`);
  }
  const [name, ...rest] = (path ?? "").split("/").filter((part) => part !== "");
  const [db, ...more] = kind === "sentinel" ? rest : name === undefined ? [] : [name, ...rest];
  if (more.length > 0 || (kind === "cluster" && db !== undefined))
    throw new Error("a Redis URL has too long a path");
  if (kind === "sentinel" && name === undefined)
    throw new Error("redis+sentinel://HOST,…/MASTER lacks the master's name");
  return {
    kind,
    hosts,
    tls: scheme === "rediss",
    ...parseCredentials(credentials),
    db: parseDb(db),
    ...(kind === "sentinel" && name !== undefined ? { master: decode(name) } : undefined),
    ...given("sentinelUsername", parameters.get("sentinelUser")),
    ...given("sentinelPassword", parameters.get("sentinelPassword")),
  };
}

const SENTINEL_PARAMETERS: readonly string[] = ["sentinelUser", "sentinelPassword"];

/** The address for logs: without anything secret. */
export function describeAddress({ kind, hosts, tls, db, master }: RedisAddress): string {
  const list = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  const form = kind === "standalone" ? "" : `+${kind}`;
  const name = master === undefined ? "" : `/${master}`;
  return `redis${tls ? "s" : ""}${form}://${list}${name}${db === 0 ? "" : `/${db}`}`;
}

function parseHost(text: string, defaultPort: number): RedisHost {
  const [, bracketed, plain, digits] = HOST_FORM.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) throw new Error(`not a host of a Redis URL: ${text}`);
  return { host, port };
}

function parseCredentials(text: string | undefined): { username?: string; password?: string } {
  if (text === undefined || text === "") return {};
  const colon = text.indexOf(":");
  if (colon < 0) return { username: decode(text) };
  const username = decode(text.slice(0, colon));
  return { ...(username === "" ? undefined : { username }), password: decode(text.slice(colon + 1)) };
}

function parseDb(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,4}$/.test(text)) throw new Error("the number of the database in a Redis URL is not a number");
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("a part of the Redis URL is not percent-encoded properly");
  }
}

function given<Name extends string>(name: Name, value: string | null): { [K in Name]?: string } {
  return (value === null || value === "" ? {} : { [name]: value }) as { [K in Name]?: string };
}
