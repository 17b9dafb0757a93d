export * from "./limits.ts";
export { SIGNATURE_HEADER, signBody, TIMESTAMP_HEADER } from "./signature.ts";
export { WebhookSink } from "./webhook-sink.ts";
