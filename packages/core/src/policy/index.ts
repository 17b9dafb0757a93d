export * from "./handshake-gate.ts";
export * from "./limits.ts";
export * from "./publish-rules.ts";
export * from "./roles.ts";
export * from "./shared-user-window.ts";
export * from "./sliding-window.ts";
export * from "./start-position.ts";
export * from "./token-bucket.ts";
