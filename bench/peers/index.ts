/** Every system there is an adapter for. */
import { baseline, bunPubsub } from "./bun-pubsub.ts";
import { centrifuge } from "./centrifuge.ts";
import { centrifugo } from "./centrifugo.ts";
import { danmakud, variantNamed } from "./danmakud.ts";
import { nchan } from "./nchan.ts";
import { socketIo } from "./socket-io.ts";
import type { SystemName, Target } from "./target.ts";
import { ws } from "./ws.ts";

export const TARGETS: readonly Target[] = [
  danmakud,
  bunPubsub,
  ws,
  socketIo,
  nchan,
  centrifugo,
  centrifuge,
  baseline,
];

export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => target.name === name) ?? variantNamed(name);
  if (found !== undefined) return found;
  throw new Error(`no system named ${name}; there are ${TARGETS.map((target) => target.name).join(", ")}`);
}

export type { SystemName, Target };
