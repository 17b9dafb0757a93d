/** A publisher that speaks to Redis itself: every payload an entry of a stream, or a message of a channel. */
import { streamKey } from "@danmakud/server/redis";
import { Connection } from "./connection.ts";
import type { PublisherLink } from "./publisher-links.ts";
import { command, type RedisWay, ROOM } from "./redis-messages.ts";

const LF = 0x0a;
const MINUS = 0x2d;
/** Of the stream: some seconds of the load. */
const KEPT = 10_000;

export class RedisPublisher implements PublisherLink {
  readonly answers = { accepted: 0, refused: 0 };
  readonly isAnswering = true;
  readonly #way: RedisWay;
  readonly #connection: Connection;
  #isLineStart = true;
  #lines = 0;

  constructor(way: RedisWay, port: number) {
    this.#way = way;
    this.#connection = new Connection(port);
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  get waitingBytes(): number {
    return this.#connection.waitingBytes;
  }

  publish(payloads: readonly string[], first: number): boolean {
    const bytes = Buffer.concat(
      payloads.map((payload, i) =>
        this.#way === "xread"
          ? command(
              ...["XADD", streamKey(ROOM), "MAXLEN", "~", KEPT, `${first + i + 1}-0`],
              ...["timestamp", Date.now(), "uid", "publisher", "content", payload],
            )
          : command("PUBLISH", ROOM, payload),
      ),
    );
    if (!this.#connection.fits(bytes.length)) return false;
    this.#connection.write(bytes);
    return true;
  }

  turn(): void {
    this.#connection.flush();
    this.#connection.read((bytes, length) => this.#read(bytes, length));
  }

  close(): void {
    this.#connection.close();
  }

  /** The id of an entry is two lines, a number of receivers one. */
  #read(bytes: Uint8Array, length: number): number {
    const linesEach = this.#way === "xread" ? 2 : 1;
    for (let at = 0; at < length; at++) {
      if (this.#isLineStart && bytes[at] === MINUS) this.answers.refused++;
      this.#isLineStart = bytes[at] === LF;
      if (this.#isLineStart) this.#lines++;
    }
    this.answers.accepted = Math.floor(this.#lines / linesEach) - this.answers.refused;
    return length;
  }
}
