/** The demo room: a bundled recording that plays while anyone watches. */
import type { GatewayHub, Principal } from "@danmakud/core/rooms";
import { DEMO_ROOM, DemoPlayer } from "./demo-player.ts";
import { loadRecording } from "./recording.ts";

const PLAYER: Principal = { uid: "demo", role: "service" };

/** Plays on a gateway, straight into its rooms. */
export async function startDemo(hub: GatewayHub): Promise<DemoPlayer> {
  const player = new DemoPlayer({
    // A refusal (the disk is full, the node is busy) leaves a comment out, as it would with any other sender.
    publish: (draft) => void hub.publish(DEMO_ROOM, PLAYER, [draft]),
    watchers: () => hub.online(DEMO_ROOM),
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
