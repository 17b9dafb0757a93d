/**
 * Content-Security-Policy of the pages: everything from this node, nothing from elsewhere, nothing inline but the icon.
 * `'self'` in `connect-src` covers the WebSocket of the same host and port. Trusted Types turn any attempt to set
 * markup from text into an error.
 */
export const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");
