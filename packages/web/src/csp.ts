/**
 * Content-Security-Policy of the pages: everything from this node, nothing from elsewhere, nothing inline but the icon.
 * `'self'` in `connect-src` covers the WebSocket of the same host and port. Only sound and pictures of a video that the
 * viewer names may come from elsewhere. Trusted Types turn any attempt to set markup from text into an error; the one
 * policy there is starts the overlay's worker.
 */
export const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' http: https: blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types danmakud-overlay",
].join("; ");
