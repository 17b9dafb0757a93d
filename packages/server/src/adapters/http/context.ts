import type { HandshakeGate } from "@danmakud/core/policy";
import type { Timers } from "@danmakud/core/ports";
import type { Hub, Principal } from "@danmakud/core/rooms";
import type { Authenticator, GuardOptions } from "../../auth/index.ts";
import type { HttpLimits } from "./limits.ts";
import type { PageFile } from "./pages.ts";

/** Where faults of our own are told. Never gets a query, which may hold a token. */
export interface HttpLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** The part of `serve`'s options that the HTTP face reads. */
export interface HttpOptions extends GuardOptions {
  /** Code points of content at most. */
  readonly contentMax: number;
}

/** What the HTTP face is joined with. */
export interface HttpDependencies {
  readonly hub: Hub;
  readonly auth: Authenticator;
  readonly options: HttpOptions;
  readonly log: HttpLog;
  /** Deadlines of requests, and the comments of event streams. */
  readonly timers: Timers;
  /** Files of the web pages by path (`/`, `/main-x1.js`); none = the node has no pages. */
  readonly pages?: ReadonlyMap<string, PageFile>;
  /** `Content-Security-Policy` of the pages. */
  readonly pageCsp?: string;
  /** Why the node should get no traffic at present, or undefined where it is ready. Default: always ready. */
  readonly unready?: () => string | undefined;
  /** Lets event streams in at a bounded rate; absent: all at once. */
  readonly gate?: HandshakeGate;
  /** Bounds that differ from `HTTP_LIMITS`. */
  readonly limits?: Partial<HttpLimits>;
}

/** What the face needs of the server that runs it (`Bun.serve`). */
export interface HttpServer {
  /** Sets how long a request's connection may be idle; 0 = for ever. */
  timeout(request: Request, seconds: number): void;
}

/** One request on its way. */
export interface HttpContext extends HttpDependencies {
  readonly request: Request;
  readonly url: URL;
  readonly server: HttpServer | undefined;
  readonly limits: HttpLimits;
  /** Signs the sender in; the paths under `/v1` need it. */
  readonly signIn: () => Promise<Principal>;
}
