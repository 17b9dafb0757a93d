import type { AckRecord, ErrorRecord, PublishRecord } from "@danmakud/wire";
import type { ViewerStart } from "./offset-coverage.ts";
import type { SocketEncoding } from "./record-socket.ts";
import type { RoomLedger } from "./room-ledger.ts";

export interface ViewerOptions {
  /** Base address of the WebSocket without a query, see `TestNode.socketUrl`; a function is asked for each connection. */
  readonly url: string | (() => string);
  /** Default json. */
  readonly encoding?: SocketEncoding;
  readonly uid?: string;
  readonly role?: string;
  readonly start?: ViewerStart;
  /** Comes back after every loss of the connection, where it was. Default false. */
  readonly reconnect?: boolean;
  /** Keeps whole records in `danmaku`; off, only offsets are kept (many viewers). Default true. */
  readonly keep?: boolean;
  readonly ledger?: RoomLedger;
}

/** What a publish may carry beside its id. */
export type PublishFields = Omit<Partial<PublishRecord>, "type" | "id"> & { readonly content: string };

export type PublishAnswer = AckRecord | ErrorRecord;

/** The query of a viewer's connection that is to start at `start`. */
export function viewerQuery(options: ViewerOptions, start: ViewerStart): string {
  const query = new URLSearchParams();
  if (options.uid !== undefined) query.set("uid", options.uid);
  if (options.role !== undefined) query.set("role", options.role);
  if (start.kind === "last") query.set("last", String(start.records));
  if (start.kind === "resume") {
    query.set("after", String(start.after));
    query.set("epoch", start.epoch);
  }
  return query.toString();
}

/** The address for the connection that is about to be made. */
export function addressNow(url: string | (() => string)): string {
  return typeof url === "string" ? url : url();
}
