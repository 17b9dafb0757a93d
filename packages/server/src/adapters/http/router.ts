import { DanmakuError } from "@danmakud/wire";
import { HttpFault } from "../../problem.ts";
import type { HttpContext } from "./context.ts";

/** What answers a route. `params` holds the decoded path segments that the pattern names. */
export type RouteHandler = (
  context: HttpContext,
  params: Readonly<Record<string, string>>,
) => Promise<Response> | Response;

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As in the API description: `/v1/rooms/{room}`. */
  readonly path: string;
  readonly handle: RouteHandler;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly string[];
}

/** Finds the route of a path. A dozen of routes need no tree. */
export class Router {
  readonly #routes: readonly CompiledRoute[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.path.split("/") }));
  }

  /**
   * @param pathname Still percent-encoded; each segment is decoded once.
   * @returns undefined where no route has this path.
   * @throws DanmakuError `invalid_message` for an escape that is none; HttpFault 405 where only other methods are served.
   */
  match(method: string, pathname: string): RouteMatch | undefined {
    const segments = pathname.split("/").map(decodeSegment);
    const candidates = this.#routes.filter((compiled) => matches(compiled.segments, segments));
    if (candidates.length === 0) return undefined;
    // The answer to HEAD is that to GET without its body, which the runtime leaves off.
    const wanted = method === "HEAD" ? "GET" : method;
    const found = candidates.find(({ route }) => route.method === wanted);
    if (found === undefined) {
      throw new HttpFault("invalid_message", `${method} is not served here`, {
        status: 405,
        headers: { allow: this.#allowOf(candidates) },
      });
    }
    return { route: found.route, params: paramsOf(found.segments, segments) };
  }

  /** The `Allow` header of a path, or undefined where there is no such path. */
  allow(pathname: string): string | undefined {
    const segments = pathname.split("/").map(decodeSegment);
    const candidates = this.#routes.filter((compiled) => matches(compiled.segments, segments));
    return candidates.length === 0 ? undefined : this.#allowOf(candidates);
  }

  #allowOf(candidates: readonly CompiledRoute[]): string {
    const methods = candidates.flatMap(({ route }) =>
      route.method === "GET" ? ["GET", "HEAD"] : [route.method],
    );
    return [...new Set(methods), "OPTIONS"].join(", ");
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new DanmakuError("invalid_message", "the path has an escape that is none", { cause });
  }
}

function isParam(segment: string): boolean {
  return segment.startsWith("{");
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((expected, i) => (isParam(expected) ? segments[i] !== "" : expected === segments[i]));
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [i, name] of pattern.entries()) if (isParam(name)) params[name.slice(1, -1)] = segments[i] ?? "";
  return params;
}
