import { DanmakuError } from "@danmakud/wire";
import packageFile from "../../../package.json" with { type: "json" };
import { checkRequestOrigin, requestUrl } from "../../auth/index.ts";
import { HttpFault, problem, problemOf } from "../../problem.ts";
import type { HttpContext, HttpDependencies, HttpServer } from "./context.ts";
import { addCorsHeaders, optionsResponse } from "./cors.ts";
import { createDocsPage } from "./docs-page.ts";
import { HTTP_LIMITS, type HttpLimits } from "./limits.ts";
import { createOpenApi } from "./openapi.ts";
import { findPage, pageResponse } from "./pages.ts";
import { Router } from "./router.ts";
import { createRoutes } from "./routes.ts";

/** Answers every request that is not a WebSocket upgrade. Never rejects: what goes wrong is a problem, RFC 9457. */
export type HttpHandler = (request: Request, server?: HttpServer) => Promise<Response>;

/**
 * The HTTP face of a node. For `Bun.serve`'s `fetch`; there, `maxRequestBodySize` has to be well above
 * `limits.bodyBytesMax`, since the runtime answers what exceeds it by itself and without a body.
 */
export function createHttpHandler(dependencies: HttpDependencies): HttpHandler {
  const openapi = createOpenApi(packageFile.version);
  const router = new Router(
    createRoutes({ openapi: JSON.stringify(openapi), docs: createDocsPage(openapi) }),
  );
  const limits: HttpLimits = { ...HTTP_LIMITS, ...dependencies.limits };

  return async (request, server) => {
    const url = requestUrl(request);
    const response = await answer(request, url, server);
    return addCorsHeaders(response, request, dependencies.options);
  };

  async function answer(
    request: Request,
    url: URL | undefined,
    server: HttpServer | undefined,
  ): Promise<Response> {
    try {
      if (url === undefined)
        throw new DanmakuError("invalid_message", "the Host header or the path is malformed");
      const refusal = checkRequestOrigin(request.headers, dependencies.options);
      if (refusal !== undefined) throw refusal;
      const signIn = () => dependencies.auth.authenticate(request, url);
      return await route({ ...dependencies, request, url, server, limits, signIn });
    } catch (error) {
      if (error instanceof DanmakuError) return problemOf(error);
      const { method } = request;
      dependencies.log.error({ err: error, method, path: url?.pathname }, "a request failed");
      return problem("unavailable", "the node failed to answer; it has been logged", { status: 500 });
    }
  }

  async function route(context: HttpContext): Promise<Response> {
    const { request, url, pages, pageCsp, options } = context;
    const page = findPage(pages, url.pathname);
    if (request.method === "OPTIONS") {
      const allow = page === undefined ? router.allow(url.pathname) : "GET, HEAD, OPTIONS";
      if (allow !== undefined) return optionsResponse(request, allow, options);
    }
    const match = router.match(request.method, url.pathname);
    if (match !== undefined) return match.route.handle(context, match.params);
    if (page === undefined) throw new DanmakuError("not_found", `there is nothing at ${url.pathname}`);
    if (request.method !== "GET" && request.method !== "HEAD") {
      const headers = { allow: "GET, HEAD, OPTIONS" };
      throw new HttpFault("invalid_message", `${request.method} is not served here`, {
        status: 405,
        headers,
      });
    }
    return pageResponse(request, page, pageCsp);
  }
}
