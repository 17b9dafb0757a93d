export type { HttpDependencies, HttpLog, HttpOptions, HttpServer } from "./context.ts";
export { createHttpHandler, type HttpHandler } from "./create-http-handler.ts";
export { HTTP_LIMITS, type HttpLimits } from "./limits.ts";
export { createOpenApi } from "./openapi.ts";
export type { PageFile } from "./pages.ts";
