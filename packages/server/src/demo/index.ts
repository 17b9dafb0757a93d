/** The demo room: a bundled recording that plays while anyone watches, so that a first visit finds a live page. */
import type { Hub, Principal } from "@danmakud/core/rooms";
import { DEMO_ROOM, DemoPlayer } from "./demo-player.ts";
import { loadRecording } from "./recording.ts";

export { DEMO_ROOM, DemoPlayer, type DemoPort } from "./demo-player.ts";
export { loadRecording, parseRecording, type RecordedComment } from "./recording.ts";

/** The player speaks for many, as a site's backend may. */
const SPEAKER: Principal = { uid: "demo", role: "service" };

/**
 * Starts the demo on a hub. Only one thread of a node may do this.
 * @returns the player, to be stopped before the hub is
 */
export async function startDemo(hub: Pick<Hub, "describe" | "publish">): Promise<DemoPlayer> {
  // The hub answers later; the player takes the last answer, which is at most one look old.
  let online = 0;
  let isAsking = false;
  const watchers = () => {
    if (!isAsking) {
      isAsking = true;
      hub
        .describe(DEMO_ROOM)
        .then((room) => {
          online = room?.online ?? 0;
        })
        // A node in trouble has no watchers to play to; it reports the trouble itself.
        .catch(() => {
          online = 0;
        })
        .finally(() => {
          isAsking = false;
        });
    }
    return online;
  };
  const player = new DemoPlayer({
    // A refused demo comment (an overloaded or failing node) is nobody's loss.
    publish: (draft) => void hub.publish(DEMO_ROOM, SPEAKER, [draft]).catch(() => undefined),
    watchers,
    now: () => performance.now(),
    schedule: (run, delayMs) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    recording: await loadRecording(),
  });
  player.start();
  return player;
}
