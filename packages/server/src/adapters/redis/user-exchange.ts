/** Nodes tell each other what users have published, so that a user has one limit over all of them. */
import { readTallies, type SharedUserWindow } from "@danmakud/core/policy";
import type { RedisConnection } from "./connect.ts";
import { USERS_CHANNEL } from "./keys.ts";
import { REDIS_LIMITS } from "./limits.ts";

export interface UserExchangeOptions {
  readonly connection: RedisConnection;
  /** Names this life of the node. */
  readonly node: string;
  readonly window: SharedUserWindow;
  /** Unix ms. */
  readonly now: () => number;
  /** So many messages are not counted by other nodes, or not here. */
  readonly onUntold: (messages: number) => void;
}

/**
 * A message on a sharded channel every few hundred milliseconds in which somebody has published, none else: nothing is
 * kept in Redis, so what a dead node has told ages out of the windows by itself, and a message that is lost costs no more
 * than the limit of each node alone.
 */
export class UserExchange {
  readonly #options: UserExchangeOptions;
  readonly #head: Uint8Array;
  readonly #told: Uint8Array[] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isSubscribed = false;
  #isClosed = false;

  constructor(options: UserExchangeOptions) {
    this.#options = options;
    this.#head = Buffer.from(`${options.node}\n`);
    options.connection.onMessage((channel, message) => {
      if (CHANNEL.equals(channel)) this.#receive(message);
    });
  }

  /** Begins to listen, unless it does; call it again now and then, as Redis may be away. */
  async subscribe(): Promise<void> {
    if (this.#isSubscribed) return;
    this.#isSubscribed = true;
    try {
      await this.#options.connection.subscribe(USERS_CHANNEL);
    } catch {
      this.#isSubscribed = false;
    }
  }

  /** What users have published on a gateway of this node. */
  tell(tallies: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#bytes + tallies.length > REDIS_LIMITS.userBytesMax) {
      this.#untold(tallies);
      return;
    }
    this.#told.push(tallies);
    this.#bytes += tallies.length;
    this.#timer ??= setTimeout(() => this.#send(), REDIS_LIMITS.userGatherMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #send(): void {
    this.#timer = undefined;
    this.#bytes = 0;
    const tallies = Buffer.concat(this.#told.splice(0));
    const { client } = this.#options.connection;
    client.spublish(USERS_CHANNEL, Buffer.concat([this.#head, tallies])).catch(() => this.#untold(tallies));
  }

  #untold(tallies: Uint8Array): void {
    let sum = 0;
    readTallies(tallies, (_, messages) => {
      sum += messages;
    });
    this.#options.onUntold(sum);
  }

  #receive(message: Uint8Array): void {
    const end = message.indexOf(LF);
    if (end < 0 || Buffer.compare(message.subarray(0, end + 1), this.#head) === 0) return;
    const { window, now, onUntold } = this.#options;
    const at = now();
    readTallies(message.subarray(end + 1), (uid, messages) => {
      if (!window.addElsewhere(uid, at, messages)) onUntold(messages);
    });
  }
}

const CHANNEL = Buffer.from(USERS_CHANNEL);
const LF = 10;
