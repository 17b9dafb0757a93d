import { DanmakuError } from "@danmakud/wire";

/** The part of `serve`'s options that decides whose pages may talk to the node. */
export interface GuardOptions {
  readonly dev: boolean;
  readonly insecureOpen: boolean;
  /** Origins in lower case (`https://example.org`), or `*` for all. */
  readonly allowOrigin: readonly string[];
}

/** A host of the machine itself, with or without a port: `localhost`, its subdomains, 127.0.0.0/8, `[::1]`. */
const LOOPBACK_HOST = /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Whether the `Host` and `Origin` of a request are acceptable; returns the refusal (`forbidden`, HTTP 403) or undefined.
 * Due before everything else, for WebSocket upgrades too, where browsers enforce nothing by themselves.
 *
 * With `--dev` there is no sign-in, so the browser of the developer is all that stands between the node and any page
 * it visits: `Host` must be loopback (a name that a foreign page had point to 127.0.0.1 is not), `Origin` must be
 * loopback or listed in `--allow-origin`, and a cross-site request that hides its origin (an `<img>`, a frame) is
 * refused as well. `--insecure-open` drops the rule for `Host` and also takes an `Origin` equal to it.
 *
 * With sign-in, a foreign page has no token, and for HTTP the browser applies CORS; only a WebSocket upgrade is held
 * against `--allow-origin`, where one is given.
 */
export function checkRequestOrigin(headers: Headers, options: GuardOptions): DanmakuError | undefined {
  const origin = headers.get("origin");
  if (options.dev) return checkDevRequest(headers, origin, options);
  if (origin === null || options.allowOrigin.length === 0) return undefined;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return undefined;
  return isAllowedOrigin(origin, options) || isSameOrigin(origin, headers) ? undefined : foreignOrigin();
}

/** Whether a page of this origin may read answers (CORS). */
export function isAllowedOrigin(origin: string, options: GuardOptions): boolean {
  if (options.allowOrigin.includes("*")) return true;
  if (origin === "null") return false;
  return options.allowOrigin.includes(origin.toLowerCase()) || (options.dev && isLoopbackOrigin(origin));
}

function checkDevRequest(
  headers: Headers,
  origin: string | null,
  options: GuardOptions,
): DanmakuError | undefined {
  if (!options.insecureOpen && !LOOPBACK_HOST.test(headers.get("host") ?? "")) {
    return new DanmakuError("forbidden", "with --dev only loopback hosts are served");
  }
  if (origin === null) return hidesForeignOrigin(headers) ? foreignOrigin() : undefined;
  if (isAllowedOrigin(origin, options)) return undefined;
  return options.insecureOpen && isSameOrigin(origin, headers) ? undefined : foreignOrigin();
}

/** Fetch metadata: sent by every current browser, and not settable by a page. Following a link is not driving. */
function hidesForeignOrigin(headers: Headers): boolean {
  if (headers.get("sec-fetch-site") !== "cross-site") return false;
  return headers.get("sec-fetch-mode") !== "navigate" || headers.get("sec-fetch-dest") !== "document";
}

function isLoopbackOrigin(origin: string): boolean {
  const host = hostOf(origin);
  return host !== undefined && LOOPBACK_HOST.test(host);
}

function isSameOrigin(origin: string, headers: Headers): boolean {
  const host = hostOf(origin);
  return host !== undefined && host === headers.get("host")?.toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@\s]+)$/i.exec(origin)?.[1]?.toLowerCase();
}

function foreignOrigin(): DanmakuError {
  return new DanmakuError("forbidden", "pages of this origin may not use this node");
}
