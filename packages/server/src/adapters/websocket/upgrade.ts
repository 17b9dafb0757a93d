/** From an upgrade request to a place in a room, or to the close code that says why not. */
import { parseStart } from "@danmakud/core/policy";
import type { Encoding, Principal, StartPosition } from "@danmakud/core/rooms";
import { CLOSE_CODES, CLOSE_TRY_AGAIN_LATER, DanmakuError, isRoomName } from "@danmakud/wire";
import type { Authenticator } from "../../auth/index.ts";

/** Subprotocols and what they stand for. */
const SUBPROTOCOLS: Readonly<Record<string, Encoding>> = {
  "danmaku.json.v1": "json",
  "danmaku.tlv.v1": "tlv",
};
const BEARER = "bearer.";
const PATH = /^\/v1\/rooms\/([^/]*)\/ws$/;

/** Outcome of an upgrade request. A refusal is told by a close code, since browsers cannot read an HTTP status. */
export type Admission =
  | {
      readonly room: string;
      readonly who: Principal;
      readonly start: StartPosition;
      readonly encoding: Encoding;
    }
  | { readonly closeCode: number; readonly reason: string };

/** The room part of the path of a WebSocket address, still encoded; undefined where the path is another. */
export function roomOfPath(pathname: string): string | undefined {
  return PATH.exec(pathname)?.[1];
}

/** The subprotocol to answer with: one that is spoken here, else the first offered, so that a browser sees the code. */
export function chooseSubprotocol(offered: string | null): {
  readonly answer?: string;
  readonly encoding?: Encoding;
} {
  const entries = (offered ?? "").split(",").map((entry) => entry.trim());
  const names = entries.filter((entry) => entry !== "" && !entry.startsWith(BEARER));
  const spoken = names.find((name) => Object.hasOwn(SUBPROTOCOLS, name));
  if (spoken !== undefined) return { answer: spoken, encoding: SUBPROTOCOLS[spoken] as Encoding };
  if (names[0] !== undefined) return { answer: names[0] };
  // Only a token was offered: its entry is the one answer a browser accepts.
  return entries[0] === undefined || entries[0] === ""
    ? { encoding: "json" }
    : { answer: entries[0], encoding: "json" };
}

export async function admit(
  request: Request,
  url: URL,
  encodedRoom: string,
  encoding: Encoding | undefined,
  auth: Authenticator,
): Promise<Admission> {
  if (encoding === undefined) {
    return protocolError("subprotocols are danmaku.json.v1 and danmaku.tlv.v1");
  }
  const room = decoded(encodedRoom);
  if (!isRoomName(room)) return protocolError("a room name is 1 to 64 of A-Z a-z 0-9 _ . -");
  try {
    return {
      room,
      encoding: parseCompression(url.searchParams.get("compress"), encoding),
      start: parseStart(url.searchParams),
      who: await auth.authenticate(request, url),
    };
  } catch (error) {
    if (!(error instanceof DanmakuError)) throw error;
    if (error.code === "invalid_message") return protocolError(error.message);
    if (error.retryable) return { closeCode: CLOSE_TRY_AGAIN_LATER, reason: error.message };
    return { closeCode: CLOSE_CODES.unauthorized, reason: error.message };
  }
}

/** `compress=deflate` in the query asks for frames that are compressed once for all viewers who do. */
function parseCompression(text: string | null, encoding: Encoding): Encoding {
  if (text === null) return encoding;
  if (text !== "deflate") throw new DanmakuError("invalid_message", "compress can only be deflate");
  return encoding === "tlv" ? "tlv-deflate" : "json-deflate";
}

function protocolError(reason: string): Admission {
  return { closeCode: CLOSE_CODES.protocol_error, reason };
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
