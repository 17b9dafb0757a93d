import { DanmakuError, ERROR_STATUS, type ErrorCode } from "@danmakud/wire";

/** `Retry-After` in seconds where a refusal does not know better. */
const RETRY_AFTER_DEFAULT_S = 1;

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export interface ProblemOptions {
  /** Default: the status of the code. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAfterMs?: number | undefined;
}

/** A refusal with a status of HTTP's own (405, 408, 415, 426) or headers, which the closed list of codes does not know. */
export class HttpFault extends DanmakuError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: Pick<ProblemOptions, "status" | "headers">) {
    super(code, message);
    this.status = options.status ?? ERROR_STATUS[code];
    this.headers = options.headers ?? {};
  }
}

/** The body of a problem, RFC 9457, with our `code` as an extension. */
export interface ProblemBody {
  /** A reference into the node's own documentation. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryAfterMs?: number;
}

/** A refusal as `application/problem+json` (RFC 9457). 429 and 503 always carry `Retry-After`, in whole seconds. */
export function problem(code: ErrorCode, detail: string, options: ProblemOptions = {}): Response {
  const status = options.status ?? ERROR_STATUS[code];
  const { retryAfterMs } = options;
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...options.headers,
  };
  if (status === 429 || status === 503) headers["retry-after"] = String(retryAfterSeconds(retryAfterMs));
  if (status === 401) headers["www-authenticate"] = "Bearer";
  const body: ProblemBody = {
    type: `/docs#problem-${code}`,
    title: TITLES[status] ?? "Error",
    status,
    code,
    detail,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return new Response(JSON.stringify(body), { status, headers });
}

/** A refusal as a response. */
export function problemOf(error: DanmakuError): Response {
  const { retryAfterMs } = error;
  if (!(error instanceof HttpFault)) return problem(error.code, error.message, { retryAfterMs });
  return problem(error.code, error.message, { status: error.status, headers: error.headers, retryAfterMs });
}

function retryAfterSeconds(retryAfterMs: number | undefined): number {
  return retryAfterMs === undefined ? RETRY_AFTER_DEFAULT_S : Math.max(1, Math.ceil(retryAfterMs / 1000));
}
