/** The wire of danmakud: records, their two encodings, limits, codes. Imports nothing and runs anywhere. */
export * from "./client-message.ts";
export * from "./codes.ts";
export { checkContent, checkDisplayName } from "./content.ts";
export * from "./draft.ts";
export { DanmakuError, type DanmakuErrorOptions } from "./error.ts";
export { recordsToJson, recordToJson } from "./json.ts";
export * from "./limits.ts";
export { isEpoch, isRoomName, isUid, ROLES, type Role } from "./names.ts";
export * from "./record.ts";
export * from "./server-message.ts";
export { checkRecord } from "./tlv-check.ts";
export { encodeClientRecord } from "./tlv-client.ts";
export { decodeRecord, decodeRecords, decodeServerRecords } from "./tlv-decode.ts";
export * from "./tlv-encode.ts";
export * from "./tlv-fields.ts";
export { align4, RECORD_TYPES } from "./tlv-layout.ts";
export { encodeRecord } from "./tlv-record.ts";
export { utf8Length } from "./utf8.ts";
