/** The request that joins a room, made without an object each: the numbers in it are written over a template. */
import { upgradeRequest } from "../load/websocket-frames.ts";
import type { Block } from "./commands.ts";

const ROOM_DIGITS = 6;
const UID_DIGITS = 7;
const ZERO = 48;

/** Name of a room by its number. */
export const roomName = (room: number): string => `room-${String(room).padStart(ROOM_DIGITS, "0")}`;

export class JoinRequest {
  readonly bytes: Uint8Array;
  readonly #roomEnd: number;
  readonly #uidEnd: number;

  constructor({ port, role }: Block) {
    const path = `/v1/rooms/${roomName(0)}/ws?uid=${role}-${"0".repeat(UID_DIGITS)}&role=${role}`;
    this.bytes = upgradeRequest(port, path, "danmaku.tlv.v1");
    const text = new TextDecoder().decode(this.bytes);
    this.#roomEnd = text.indexOf("/ws?");
    this.#uidEnd = text.indexOf("&role=");
  }

  /** Writes the numbers into `bytes`. Every connection has a user of its own. */
  fill(room: number, uid: number): void {
    this.#digits(this.#roomEnd, ROOM_DIGITS, room);
    this.#digits(this.#uidEnd, UID_DIGITS, uid);
  }

  #digits(end: number, count: number, value: number): void {
    let left = value;
    for (let at = end - 1; at >= end - count; at--) {
      this.bytes[at] = ZERO + (left % 10);
      left = Math.floor(left / 10);
    }
  }
}
