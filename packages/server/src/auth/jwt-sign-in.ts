import type { Principal } from "@danmakud/core/rooms";
import { DanmakuError } from "@danmakud/wire";
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type RemoteJWKSet,
} from "jose";
import type { Authenticator } from "./authenticator.ts";
import { principalOf } from "./claims.ts";
import { JWKS_TIMEOUT_MS, KEYS_RETRY_MS } from "./limits.ts";
import { tokenOf } from "./token-of.ts";

/** Public-key algorithms only: a published key must never do as a shared secret. */
const JWKS_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

export interface JwtSignInOptions {
  /** Shared secret for HS256. */
  readonly secret?: Uint8Array | undefined;
  /** Where the site publishes its keys; fetched when first needed, and again for an unknown key. */
  readonly jwks?: URL | undefined;
  /** Required `aud`; without it any is taken. */
  readonly audience?: string | undefined;
  /** The time, Unix ms; for tests. */
  readonly now?: () => number;
}

/** Sign-in by a JWT (RFC 7519): HS256 tokens against the secret, all others against the published keys. */
export class JwtSignIn implements Authenticator {
  readonly #secret: Uint8Array | undefined;
  readonly #jwks: RemoteJWKSet | undefined;
  readonly #audience: string | undefined;
  readonly #now: () => number;

  constructor(options: JwtSignInOptions) {
    if (options.secret === undefined && options.jwks === undefined)
      throw new Error("a secret or keys are due");
    this.#secret = options.secret;
    this.#jwks =
      options.jwks === undefined
        ? undefined
        : createRemoteJWKSet(options.jwks, { timeoutDuration: JWKS_TIMEOUT_MS });
    this.#audience = options.audience;
    this.#now = options.now ?? Date.now;
  }

  async authenticate(request: Request, url: URL): Promise<Principal> {
    const token = tokenOf(request.headers, url);
    if (token === undefined) throw new DanmakuError("unauthorized", "a token is required");
    return principalOf(await this.#verify(token));
  }

  async #verify(token: string): Promise<JWTPayload> {
    const options = {
      currentDate: new Date(this.#now()),
      ...(this.#audience === undefined ? {} : { audience: this.#audience }),
    };
    try {
      if (algorithmOf(token) === "HS256") {
        if (this.#secret === undefined) throw notValid();
        return (await jwtVerify(token, this.#secret, { ...options, algorithms: ["HS256"] })).payload;
      }
      if (this.#jwks === undefined) throw notValid();
      return (await jwtVerify(token, this.#jwks, { ...options, algorithms: JWKS_ALGORITHMS })).payload;
    } catch (error) {
      throw asDanmakuError(error);
    }
  }
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch (cause) {
    throw notValid(cause);
  }
}

/** What the token's owner may learn: that it ran out, or that it does not hold; never how close a forgery came. */
function asDanmakuError(error: unknown): DanmakuError {
  if (error instanceof DanmakuError) return error;
  if (error instanceof errors.JWTExpired) {
    return new DanmakuError("unauthorized", "the token has expired", { cause: error });
  }
  if (!isKeyServerFault(error)) return notValid(error);
  return new DanmakuError("unavailable", "the keys for tokens cannot be fetched", {
    cause: error,
    retryAfterMs: KEYS_RETRY_MS,
  });
}

/**
 * jose reports a reply other than 200, or one that is no JSON, by its base class; a fetch that failed is no error of
 * jose at all.
 */
function isKeyServerFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  return !(error instanceof errors.JOSEError) || error.code === errors.JOSEError.code;
}

function notValid(cause?: unknown): DanmakuError {
  return new DanmakuError("unauthorized", "the token is not valid", { cause });
}
