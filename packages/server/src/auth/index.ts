export type { Authenticator } from "./authenticator.ts";
export { principalOf, type TokenClaims } from "./claims.ts";
export { type AuthOptions, createAuthenticator } from "./create-auth.ts";
export { DevSignIn, isRole } from "./dev-sign-in.ts";
export { JwtSignIn, type JwtSignInOptions } from "./jwt-sign-in.ts";
export { checkRequestOrigin, type GuardOptions, isAllowedOrigin } from "./request-guard.ts";
export { requestUrl } from "./request-url.ts";
export { readSecret } from "./secret.ts";
export { tokenOf } from "./token-of.ts";
