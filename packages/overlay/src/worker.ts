/** The worker's side: a player on a canvas that the page has handed over. */
import { threadHost } from "./host.ts";
import { CanvasPainter } from "./painter-canvas.ts";
import { type Command, Player } from "./player.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

let player: Player | undefined;

const post = (message: FromWorker): void => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.do !== "begin") {
    player?.take(data satisfies Command);
    return;
  }
  const painter = new CanvasPainter("worker", data.canvas, data.settings);
  player = new Player(data.settings, painter, threadHost(post));
};
post({ is: "ready" });
