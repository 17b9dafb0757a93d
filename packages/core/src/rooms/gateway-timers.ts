/** What a gateway has to do later, by one wheel of monotonic milliseconds. */
import { NO_TIMER, type TimerHandle, TimingWheel } from "../timing/index.ts";

export const TimerKind = {
  /** Records of a room (data = its number) become old enough to be seen. */
  release: 0,
  /** A viewer (data = its row) is looked at: silent, dead, stuck. */
  viewer: 1,
  /** A room (data = its number) without viewers is looked at. */
  linger: 2,
} as const;

type OnTimer = (data: number, now: number) => void;

export class GatewayTimers {
  readonly #wheel: TimingWheel;
  readonly #handlers: (OnTimer | undefined)[] = [];
  #now: number;

  constructor(now: number) {
    this.#now = now;
    this.#wheel = new TimingWheel({
      now,
      onFire: (kind, data) => this.#handlers[kind]?.(data, this.#now),
    });
  }

  /** Who takes the timers of a kind. */
  on(kind: number, handler: OnTimer): void {
    this.#handlers[kind] = handler;
  }

  set(at: number, kind: number, data: number): TimerHandle {
    return this.#wheel.insert(at, kind, data);
  }

  /** @hot */
  cancel(handle: TimerHandle): void {
    if (handle !== NO_TIMER) this.#wheel.cancel(handle);
  }

  isPending(handle: TimerHandle): boolean {
    return handle !== NO_TIMER && this.#wheel.isPending(handle);
  }

  /** Does what is due, a bounded part of it; returns whether there is more at once. */
  turn(now: number): boolean {
    this.#now = now;
    return this.#wheel.advance(now);
  }

  /** When `turn` is due, monotonic ms; infinite where nothing is to be done. */
  nextAt(): number {
    return this.#wheel.nextAt();
  }
}
