import type { Authenticator } from "./authenticator.ts";
import { DevSignIn } from "./dev-sign-in.ts";
import { JwtSignIn } from "./jwt-sign-in.ts";
import { SECRET_BYTES_ADVISED } from "./limits.ts";
import { readSecret } from "./secret.ts";

/** The part of `serve`'s options that decides on sign-in. */
export interface AuthOptions {
  readonly dev: boolean;
  readonly authSecretFile?: string | undefined;
  readonly authJwks?: string | undefined;
  readonly authAudience?: string | undefined;
}

/**
 * The sign-in of a node as configured. `--dev` wins: whoever asks for no sign-in gets none.
 * @param warn Told, in one sentence, what an operator should change.
 * @throws Error with a message for the operator where the secret cannot be used.
 */
export async function createAuthenticator(
  options: AuthOptions,
  warn: (message: string) => void = () => {},
): Promise<Authenticator> {
  if (options.dev) return new DevSignIn();
  const secret = options.authSecretFile === undefined ? undefined : await readSecret(options.authSecretFile);
  if (secret !== undefined && secret.length < SECRET_BYTES_ADVISED) {
    warn(`the secret for tokens has only ${secret.length} bytes; use ${SECRET_BYTES_ADVISED} or more`);
  }
  return new JwtSignIn({
    secret,
    jwks: options.authJwks === undefined ? undefined : new URL(options.authJwks),
    audience: options.authAudience,
  });
}
