import { type ErrorCode, errorCodeRetryable } from "./codes.ts";

/** What an error may carry besides its code and text. */
export interface DanmakuErrorOptions extends ErrorOptions {
  /** When to try again, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * A fault of the outside world with a code from the closed list: bad input, a refusal, overload. Our own mistakes are
 * never of this class.
 */
export class DanmakuError extends Error {
  readonly code: ErrorCode;
  /** When to try again, in milliseconds from the time of the error; absent where that is not known. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options?: DanmakuErrorOptions) {
    super(message, options);
    this.name = "DanmakuError";
    this.code = code;
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  /** True where the same request may succeed later, unchanged. */
  get retryable(): boolean {
    return errorCodeRetryable(this.code);
  }
}

/** Throws `invalid_message`. */
export function invalid(message: string): never {
  throw new DanmakuError("invalid_message", message);
}

/** Throws `too_large`. */
export function tooLarge(message: string): never {
  throw new DanmakuError("too_large", message);
}
