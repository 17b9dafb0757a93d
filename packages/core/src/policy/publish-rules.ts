import { DanmakuError, type Draft } from "@danmakud/wire";
import type { Principal } from "../rooms/hub.ts";
import {
  classDefaultOf,
  classMaxOf,
  isBoundBySanctions,
  mayConfigure,
  mayModerate,
  maySchedule,
  maySpeakForOthers,
} from "./roles.ts";

/**
 * Whether a principal may publish a draft. Returns the refusal, or undefined where there is nothing against it:
 * - a `uid` or `name` other than one's own, `attrs`, a class above one's role, a delivery time below moderator: `forbidden`.
 */
export function checkPublish(principal: Principal, draft: Draft): DanmakuError | undefined {
  const { role } = principal;
  if (!maySpeakForOthers(role)) {
    if (draft.uid !== undefined && draft.uid !== principal.uid) {
      return new DanmakuError("forbidden", `role ${role} may not publish under another uid`);
    }
    if (draft.name !== undefined && draft.name !== principal.name) {
      return new DanmakuError("forbidden", `role ${role} may not choose a name`);
    }
    if (draft.attrs !== undefined) return new DanmakuError("forbidden", `role ${role} may not set attrs`);
  }
  if (draft.class !== undefined && draft.class > classMaxOf(role)) {
    return new DanmakuError("forbidden", `role ${role} may not publish with this class`);
  }
  if ((draft.deliverAt !== undefined || draft.delayMs !== undefined) && !maySchedule(role)) {
    return new DanmakuError("forbidden", `role ${role} may not schedule danmaku`);
  }
  return undefined;
}

/** Whether a principal may make announcements, see what is scheduled and take it back. Returns the refusal, or undefined. */
export function checkAnnounce({ role }: Principal): DanmakuError | undefined {
  return maySchedule(role)
    ? undefined
    : new DanmakuError("forbidden", `role ${role} may neither announce nor schedule`);
}

/** The uid a danmaku is stored under. */
export function publishUid(principal: Principal, draft: Draft): string {
  return draft.uid ?? principal.uid;
}

/** The display name a danmaku is stored with; a name belongs to its uid, so a foreign uid does not inherit one's own. */
export function publishName(principal: Principal, draft: Draft): string | undefined {
  if (draft.name !== undefined) return draft.name;
  return draft.uid === undefined || draft.uid === principal.uid ? principal.name : undefined;
}

/** The class (code) a danmaku is stored with. */
export function publishClass(principal: Principal, draft: Draft): number {
  return draft.class ?? classDefaultOf(principal.role);
}

/** Whether a principal may change the settings of a room that it may enter. Returns the refusal, or undefined. */
export function checkConfigure({ role }: Principal): DanmakuError | undefined {
  return mayConfigure(role)
    ? undefined
    : new DanmakuError("forbidden", `role ${role} may not change the settings of a room`);
}

/**
 * Whether a principal may mute or ban `uid` in rooms that it may enter, or on the whole `site`. Returns the refusal, or
 * undefined. Nobody whom sanctions bind imposes or lifts one on himself.
 */
export function checkModerate(who: Principal, uid: string, isSite: boolean): DanmakuError | undefined {
  const forbidden = checkSanctionList(who, isSite);
  if (forbidden !== undefined) return forbidden;
  return uid === who.uid && isBoundBySanctions(who.role)
    ? new DanmakuError("forbidden", "nobody mutes, bans or pardons himself")
    : undefined;
}

/** Whether a role may see the mutes and bans of rooms that its principal may enter, or those of the site. */
export function checkSanctionList({ role }: Principal, isSite: boolean): DanmakuError | undefined {
  if (isSite && role !== "admin")
    return new DanmakuError("forbidden", "bans from the whole site are for admins");
  return mayModerate(role)
    ? undefined
    : new DanmakuError("forbidden", `role ${role} may neither mute nor ban`);
}
