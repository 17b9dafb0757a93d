/** Signature of a webhook call, so that the receiver can tell it from others' and from an old one sent again. */

/** Unix seconds at which the call was made. */
export const TIMESTAMP_HEADER = "danmakud-timestamp";
/** `v1=` and the HMAC-SHA256 (RFC 2104, hex) of `<timestamp>.<body>`. */
export const SIGNATURE_HEADER = "danmakud-signature";

/** @param body the bytes as they are sent. */
export function signBody(secret: Uint8Array, timestampS: number, body: string): string {
  const hmac = new Bun.CryptoHasher("sha256", secret).update(`${timestampS}.`).update(body);
  return `v1=${hmac.digest("hex")}`;
}
