/** Follows a media element: its position, rate, pauses and seeks. */

export interface MediaState {
  /** Position, ms. */
  readonly positionMs: number;
  readonly rate: number;
  /** Moving now: not paused, not waiting for data, not at its end. */
  readonly isRunning: boolean;
}

const EVENTS = [
  "play",
  "playing",
  "pause",
  "waiting",
  "seeking",
  "seeked",
  "ratechange",
  "timeupdate",
  "ended",
  "loadeddata",
] as const;

/** As much is there that playing goes on (`HAVE_FUTURE_DATA`). */
const PLAYABLE = 3;

/**
 * Tells of every change. `seeked` is true when the media has arrived at another place.
 * @returns a function that stops it
 */
export function followMedia(
  media: HTMLMediaElement,
  changed: (state: MediaState, seeked: boolean) => void,
): () => void {
  const tell = (event?: Event): void => {
    const { paused, seeking, ended, readyState, currentTime, playbackRate } = media;
    const isRunning = !(paused || seeking || ended) && readyState >= PLAYABLE && event?.type !== "waiting";
    changed({ positionMs: currentTime * 1000, rate: playbackRate, isRunning }, event?.type === "seeked");
  };
  for (const name of EVENTS) media.addEventListener(name, tell);
  tell();
  return () => {
    for (const name of EVENTS) media.removeEventListener(name, tell);
  };
}
