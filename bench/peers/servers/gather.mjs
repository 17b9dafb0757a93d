/** What the servers of this folder have in common. They run on Node 20, so they are plain JavaScript. */

/** Between payloads in a text that carries several. */
const SEPARATOR = "\n";

/**
 * Gathers what is published, to be sent as one message: a viewer then costs one write per `waitMs` and not one per
 * payload. Neither `ws` nor Socket.IO nor nchan does that of itself; a program around them does.
 */
export class Gatherer {
  #waitMs;
  #send;
  /** @type {string[]} */
  #waiting = [];

  /**
   * @param {number} waitMs From the first payload until all are sent. 0: each payload is a message of its own.
   * @param {(text: string) => void} send
   */
  constructor(waitMs, send) {
    this.#waitMs = waitMs;
    this.#send = send;
  }

  /** @param {string} text One payload or several. */
  add(text) {
    if (this.#waitMs <= 0) {
      for (const payload of text.split(SEPARATOR)) this.#send(payload);
      return;
    }
    if (this.#waiting.push(text) === 1) setTimeout(() => this.#flush(), this.#waitMs);
  }

  #flush() {
    const text = this.#waiting.join(SEPARATOR);
    this.#waiting.length = 0;
    this.#send(text);
  }
}

/** What the adapter gives a server: `PORT` and `GATHER_MS` of the environment. */
export function readOrders() {
  return { port: Number(process.env.PORT), gatherMs: Number(process.env.GATHER_MS ?? 0) };
}
