/** Time and chance, as parameters, so that tests own them. */
export interface Clock {
  /** Unix ms. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back. */
  monotonic(): number;
}

export interface Random {
  /** A fresh random string of the room alphabet with at least 60 bits of chance. */
  token(): string;
  /** A number in [0, 1). */
  fraction(): number;
}

/** Counts things by number; the numbers are those of a table such as `METRICS`. One writer per thread. */
export interface Counters {
  add(metric: number, amount: number): void;
  set(metric: number, value: number): void;
}
