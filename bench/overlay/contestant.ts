/** What every renderer does for the benchmark, in the page. */

/** Comments for a renderer, made the same for all. */
export interface Feed {
  /** White text of 24 px. */
  readonly texts: readonly string[];
  /** Time to cross the stage, ms: as near to it as the renderer's own settings allow. */
  readonly crossingMs: number;
}

export interface Contestant {
  /** Begins on an empty stage of 1280 × 720. */
  start(stage: HTMLElement, feed: Feed): Promise<void> | void;
  emit(text: string): void;
  /** Comments on stage now, by the renderer's own account. */
  onScreen(): number | Promise<number>;
  /** Loads comments of a recording, `everyMs` apart, and resolves when they are ready to be shown. */
  load(texts: readonly string[], everyMs: number): Promise<void> | void;
}

declare global {
  interface Window {
    contestant: Contestant;
  }
}
