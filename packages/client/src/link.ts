/** What a connection runs over: a WebSocket, or an event stream with POSTs beside it. */
import {
  CLOSE_CODES,
  type ClientRecord,
  DanmakuError,
  type ErrorCode,
  type ServerRecord,
} from "@danmakud/wire";

export interface LinkHandlers {
  /** Any sign of life that is no record. */
  readonly onHeard: () => void;
  /** Records that arrived together, in order. */
  readonly onRecords: (records: readonly ServerRecord[]) => void;
  /** Called once, last of all; not called after `close()`. 1006 = the link was lost, or never came about. */
  readonly onClosed: (code: number, reason: string) => void;
}

export interface Link {
  /** A healthy link is not silent for longer than this after a `ping`, or by itself where it takes no notice of one. */
  readonly answersWithinMs: number;
  /**
   * Sends one record. A link that cannot ask for a sign of life takes no notice of a `ping`.
   * @throws DanmakuError where it cannot be encoded.
   */
  readonly send: (record: ClientRecord) => void;
  /** Closes without a further call to the handlers. */
  readonly close: () => void;
}

/** Close code of a connection that ended without one. */
export const NO_CLOSE_FRAME = 1006;

/** Checks of a JSON value only what would disturb the SDK itself, so that a later server may add types and fields. */
export function asRecords(value: unknown): readonly ServerRecord[] {
  if (!Array.isArray(value) || !value.every((record) => typeof record?.type === "string")) {
    throw new DanmakuError("invalid_message", "no array of records");
  }
  return value;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The close code that says the same as an error code; undefined where there is none. A token that does not open this
 * room is as good as no token.
 */
export function closeCodeOf(code: ErrorCode): number | undefined {
  const name = code === "forbidden" ? "unauthorized" : code === "invalid_message" ? "protocol_error" : code;
  return (CLOSE_CODES as Readonly<Record<string, number>>)[name];
}
