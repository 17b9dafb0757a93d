import { CLASSES, type DanmakuClass, type Role } from "@danmakud/wire";
import type { Principal } from "../rooms/hub.ts";

interface RoleRights {
  /** Highest class the role may publish with. */
  readonly classMax: DanmakuClass;
  /** Class of a danmaku that names none. */
  readonly classDefault: DanmakuClass;
  /** May publish for other users: set `uid`, `name` and `attrs`. */
  readonly speaksForOthers: boolean;
  /** Not bound by the connection's and the user's limit. */
  readonly exempt: boolean;
  /** May give `deliverAt` or `delayMs`, change the settings of a room, mute and ban. */
  readonly moderates: boolean;
}

const RIGHTS: Readonly<Record<Role, RoleRights>> = {
  viewer: person("normal", false),
  member: person("member", false),
  moderator: person("moderator", true),
  service: { classMax: "paid", classDefault: "normal", speaksForOthers: true, exempt: true, moderates: true },
  admin: { classMax: "system", classDefault: "normal", speaksForOthers: true, exempt: true, moderates: true },
};

function person(danmakuClass: DanmakuClass, moderates: boolean): RoleRights {
  return {
    classMax: danmakuClass,
    classDefault: danmakuClass,
    speaksForOthers: false,
    exempt: false,
    moderates,
  };
}

/** Highest class a role may publish with, as its code (index in `CLASSES`). */
export function classMaxOf(role: Role): number {
  return CLASSES.indexOf(RIGHTS[role].classMax);
}

/** Class of a danmaku that names none, as its code. */
export function classDefaultOf(role: Role): number {
  return CLASSES.indexOf(RIGHTS[role].classDefault);
}

/** Whether the role is free of the connection's and the user's limit (a site's backend speaks for many users). */
export function isExemptFromLimits(role: Role): boolean {
  return RIGHTS[role].exempt;
}

/** Whether the role may publish under another uid or name, and add `attrs`. */
export function maySpeakForOthers(role: Role): boolean {
  return RIGHTS[role].speaksForOthers;
}

/** Whether the role may ask for a danmaku to be delivered later. */
export function maySchedule(role: Role): boolean {
  return RIGHTS[role].moderates;
}

/** Whether the role may change the settings of the rooms that its principal may enter. */
export function mayConfigure(role: Role): boolean {
  return RIGHTS[role].moderates;
}

/** Whether the role may mute and ban users in the rooms that its principal may enter. */
export function mayModerate(role: Role): boolean {
  return RIGHTS[role].moderates;
}

/**
 * Whether mutes and bans of a principal's own uid bind it. A site's backend and its admins are not silenced by a slip of
 * a moderator; what they publish as somebody else is bound by what holds against that user.
 */
export function isBoundBySanctions(role: Role): boolean {
  return !RIGHTS[role].speaksForOthers;
}

/** Whether a principal's list of rooms lets it into `room`. */
export function mayEnter(principal: Principal, room: string): boolean {
  return principal.rooms === undefined || principal.rooms.includes(room);
}
