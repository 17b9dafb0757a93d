/** Every system there is an adapter for. */
import { baseline, bunPubsub } from "./bun-pubsub.ts";
import { danmakud } from "./danmakud.ts";
import type { SystemName, Target } from "./target.ts";

export const TARGETS: readonly Target[] = [danmakud, bunPubsub, baseline];

export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new Error(`no system named ${name}; there are ${TARGETS.map((target) => target.name).join(", ")}`);
}

export type { SystemName, Target };
