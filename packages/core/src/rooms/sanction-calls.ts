/** What callers ask of mutes and bans: to impose, lift and list them, and whether one may read. */
import { DanmakuError } from "@danmakud/wire";
import { checkModerate, checkSanctionList, isBoundBySanctions, mayEnter } from "../policy/index.ts";
import { type Sanction, type SanctionKind, SITE, UNTIL_LIFTED } from "../ports/index.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { Principal, SanctionOrder } from "./hub.ts";
import { ROOM_LIMITS } from "./limits.ts";
import { refusalOf } from "./pending-publishes.ts";
import type { Publishing } from "./publishing.ts";
import { refusal } from "./sanction-gate.ts";

export class SanctionCalls {
  readonly #context: GatewayContext;
  readonly #publishing: Publishing;

  constructor(context: GatewayContext, publishing: Publishing) {
    this.#context = context;
    this.#publishing = publishing;
  }

  async impose(who: Principal, { kind, room, uid, lastsMs }: SanctionOrder): Promise<Sanction> {
    this.#mayEnter(room, who);
    const forbidden = checkModerate(who, uid, room === SITE);
    if (forbidden !== undefined) throw forbidden;
    await this.refuseBanned(room, who);
    const since = this.#context.clock.now();
    let until = 0;
    if (lastsMs > 0) until = Number.isFinite(lastsMs) ? since + lastsMs : UNTIL_LIFTED;
    const sanction = { kind, room, uid, until, since, by: who.uid };
    await new Promise<void>((resolve, reject) => {
      const refused = this.#publishing.sanction(who, sanction, {
        published: () => resolve(),
        refused: (_token, _id, code, message, retryAfterMs) =>
          reject(code === "overloaded" ? full(room) : refusalOf(code, message, retryAfterMs)),
      });
      if (refused !== undefined) reject(refused);
      else this.#publishing.commit();
    });
    return sanction;
  }

  async list(
    room: string,
    kind: SanctionKind,
    who: Principal,
    after: string,
    limit: number,
  ): Promise<readonly Sanction[]> {
    this.#mayEnter(room, who);
    const forbidden = checkSanctionList(who, room === SITE);
    if (forbidden !== undefined) throw forbidden;
    await this.refuseBanned(room, who);
    const now = this.#context.clock.now();
    return await this.#context.log.sanctions(
      room,
      kind,
      now,
      after,
      Math.min(limit, ROOM_LIMITS.sanctionPageMax),
    );
  }

  /** By the log itself, since the room need not be open. */
  async refuseBanned(room: string, { role, uid }: Principal): Promise<void> {
    if (!isBoundBySanctions(role)) return;
    const until = await this.#context.log.bannedUntil(room, uid);
    const leftMs = until === UNTIL_LIFTED ? Number.POSITIVE_INFINITY : until - this.#context.clock.now();
    const banned = refusal("banned", leftMs, "banned");
    if (banned !== undefined) throw banned;
  }

  #mayEnter(room: string, who: Principal): void {
    if (room !== SITE && !mayEnter(who, room)) {
      throw new DanmakuError("forbidden", `not admitted to room ${room}`);
    }
  }
}

function full(room: string): DanmakuError {
  const where = room === SITE ? "on the site" : `in room ${room}`;
  return new DanmakuError("overloaded", `as many mutes and bans hold ${where} as may; lift some`);
}
