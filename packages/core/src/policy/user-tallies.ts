import { USERS_TALLIED_MAX } from "./limits.ts";

/**
 * What users have published on one gateway since other nodes were told of it last. Handed on as bytes, user by user:
 *
 *      +----------+----------+----------------+
 *      | uidBytes | messages | uid (ASCII) …  |
 *      +----------+----------+----------------+
 *
 * @hot `count` runs once per message of a limited user; it allocates only where a user is new.
 */
export class UserTallies {
  readonly #messages = new Map<string, number>();
  readonly #usersMax: number;
  #untold = 0;

  constructor(usersMax = USERS_TALLIED_MAX) {
    this.#usersMax = usersMax;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Messages that other nodes will not be told of, because too many users published at once. */
  get untold(): number {
    return this.#untold;
  }

  count(uid: string): void {
    const messages = this.#messages.get(uid);
    if (messages === undefined && this.#messages.size >= this.#usersMax) this.#untold++;
    else if (messages !== MESSAGES_MAX) this.#messages.set(uid, (messages ?? 0) + 1);
  }

  /** Bytes that as many users as fit into `bytesMax` take. At least one fits into 66. */
  measure(bytesMax: number): number {
    let bytes = 0;
    for (const uid of this.#messages.keys()) {
      if (bytes + HEAD_BYTES + uid.length > bytesMax) break;
      bytes += HEAD_BYTES + uid.length;
    }
    return bytes;
  }

  /** Moves the first users into `into` at `at`: those that `measure` has said take so many bytes. */
  take(into: Uint8Array, at: number, bytes: number): void {
    const end = at + bytes;
    let to = at;
    for (const [uid, messages] of this.#messages) {
      if (to === end) return;
      into[to] = uid.length;
      into[to + 1] = messages;
      for (let i = 0; i < uid.length; i++) into[to + HEAD_BYTES + i] = uid.charCodeAt(i);
      to += HEAD_BYTES + uid.length;
      this.#messages.delete(uid);
    }
  }
}

const HEAD_BYTES = 2;
const MESSAGES_MAX = 255;
const decoder = new TextDecoder("latin1");

/** Calls `each` with every user of what a tally has handed on. Stops where the bytes are not that. */
export function readTallies(bytes: Uint8Array, each: (uid: string, messages: number) => void): void {
  let at = 0;
  while (at + HEAD_BYTES < bytes.length) {
    const end = at + HEAD_BYTES + (bytes[at] as number);
    if (end === at + HEAD_BYTES || end > bytes.length) return;
    each(decoder.decode(bytes.subarray(at + HEAD_BYTES, end)), bytes[at + 1] as number);
    at = end;
  }
}
