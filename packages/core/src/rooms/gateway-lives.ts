const NONE = -1;

/** What an entry's gateway is to the thread that reads it. */
export const GatewayLife = { known: 0, fresh: 1, gone: 2 } as const;
export type GatewayLife = (typeof GatewayLife)[keyof typeof GatewayLife];

/**
 * Which life of each gateway's thread is the present one. Every entry of an ingress ring names the life that wrote it: those
 * of a life that is over may still lie in the ring, or be written late.
 */
export class GatewayLives {
  readonly #present: number[];
  /** The life that ended last, by gateway. */
  readonly #gone: number[] = [];
  readonly #onGone: (gateway: number, life: number) => void;

  constructor(gateways: number, onGone: (gateway: number, life: number) => void) {
    this.#present = new Array<number>(gateways).fill(NONE);
    this.#onGone = onGone;
  }

  /** An entry of this life was read: `fresh` is the first one of a new life. @hot */
  heard(gateway: number, life: number): GatewayLife {
    if (this.#present[gateway] === life) return GatewayLife.known;
    if (this.#gone[gateway] === life) return GatewayLife.gone;
    this.end(gateway);
    this.#present[gateway] = life;
    return GatewayLife.fresh;
  }

  /** The present life of the gateway is over. */
  end(gateway: number): void {
    const life = this.#present[gateway] as number;
    if (life === NONE) return;
    this.#present[gateway] = NONE;
    this.#gone[gateway] = life;
    this.#onGone(gateway, life);
  }
}
