import { type GuardOptions, isAllowedOrigin } from "../../auth/index.ts";

const HEADERS_ALLOWED = "authorization, content-type, idempotency-key, last-event-id";
const HEADERS_EXPOSED = "retry-after, etag";
const PREFLIGHT_MAX_AGE_S = 600;

/** Lets pages of allowed origins read an answer (CORS, Fetch Standard, section 3.2). Changes `response` in place. */
export function addCorsHeaders(response: Response, request: Request, options: GuardOptions): Response {
  const origin = request.headers.get("origin");
  if (options.allowOrigin.length > 0 || options.dev) response.headers.append("vary", "Origin");
  if (origin === null || !isAllowedOrigin(origin, options)) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-expose-headers", HEADERS_EXPOSED);
  return response;
}

/** Answers `OPTIONS`: what is allowed here, and to a preflight of an allowed origin that it may go on. */
export function optionsResponse(request: Request, allow: string, options: GuardOptions): Response {
  const headers: Record<string, string> = { allow };
  const origin = request.headers.get("origin");
  if (origin !== null && isAllowedOrigin(origin, options)) {
    headers["access-control-allow-methods"] = allow;
    headers["access-control-allow-headers"] = HEADERS_ALLOWED;
    headers["access-control-max-age"] = String(PREFLIGHT_MAX_AGE_S);
  }
  return new Response(null, { status: 204, headers });
}
