/** Rooms: the sequencer that writes them, the gateways' view of them, the journal that keeps them. */
export { RECORD_ENTRY_BYTES_MIN } from "./envelope-descriptor.ts";
export type { GatewayContext } from "./gateway-context.ts";
export { GatewayHub } from "./gateway-hub.ts";
export * from "./hub.ts";
export { Journal, type JournalOptions } from "./journal.ts";
export { RETRY_AFTER_MS, ROOM_LIMITS } from "./limits.ts";
export { METRIC_INFO, METRICS } from "./metrics.ts";
export { Pacing, type PacingOptions } from "./pacing.ts";
export { PageBuilder } from "./page-builder.ts";
export type { ListedRoom } from "./room-list.ts";
export { RoomWindow } from "./room-window.ts";
export { Sequencer, type SequencerOptions } from "./sequencer.ts";
export {
  parseSettingsPatch,
  ROOM_SETTINGS_DEFAULT,
  type RoomSettings,
  type SettingsPatch,
} from "./settings.ts";
export { SHARED_LIMITS } from "./shared-limits.ts";
export { SharedSequencer, type SharedSequencerOptions } from "./shared-sequencer.ts";
