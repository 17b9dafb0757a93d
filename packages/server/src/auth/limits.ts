/** Bytes of a token: claims are a few hundred; a header of a request is at most 16 KiB in all. */
export const TOKEN_BYTES_MAX = 8 * 1024;

/** Bytes of the file with the HS256 secret. Anything larger is another file, given by mistake. */
export const SECRET_FILE_BYTES_MAX = 64 * 1024;

/** RFC 7518, section 3.2: an HS256 key of fewer bytes is weaker than the signature. */
export const SECRET_BYTES_ADVISED = 32;

/** A key server that does not answer in this time makes a sign-in `unavailable`. */
export const JWKS_TIMEOUT_MS = 5_000;

/** Rooms a token may list. */
export const TOKEN_ROOMS_MAX = 1_000;

/** When to try again while the key server is away. */
export const KEYS_RETRY_MS = 5_000;
