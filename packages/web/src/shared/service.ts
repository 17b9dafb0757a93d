/** Where the pages' own node is, and which room the address names. */
import { isRoomName } from "@danmakud/wire";

/** The room of the query, or `demo`. */
export function askedRoom(query: URLSearchParams): string {
  const asked = query.get("room") ?? "demo";
  // `.` and `..` are names that no address can carry.
  return isRoomName(asked) && !/^\.\.?$/.test(asked) ? asked : "demo";
}

/** Address of the node that served the page. */
export function ownService(): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}`;
}
