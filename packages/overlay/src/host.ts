/** Frames and time of the thread that this runs in; the same calls exist in a worker and on a page. */
import type { Host, Report } from "./player.ts";

/** A time stamp of a frame that is further off than this counts from another origin. */
const FRAME_OFF_MS = 1000;

/** Milliseconds that mean the same in every thread of the page. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

export function threadHost(report: (report: Report) => void): Host {
  return {
    wallMs,
    requestFrame: (draw) =>
      requestAnimationFrame((frameMs) => {
        const nowMs = performance.now();
        draw(performance.timeOrigin + (Math.abs(nowMs - frameMs) < FRAME_OFF_MS ? frameMs : nowMs));
      }),
    cancelFrame: (frame) => cancelAnimationFrame(frame),
    report,
  };
}
