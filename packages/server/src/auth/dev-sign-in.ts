import type { Principal } from "@danmakud/core/rooms";
import { DanmakuError, isUid, ROLES, type Role } from "@danmakud/wire";
import type { Authenticator } from "./authenticator.ts";

const GUEST_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const GUEST_CHARS = 6;

/**
 * Sign-in of a developer's node: `uid` and `role` come from the query, unproved. Without a `uid` one is a guest with a
 * random name, without a `role` a viewer.
 */
export class DevSignIn implements Authenticator {
  readonly #random: () => number;

  /** @param random Uniform numbers from 0 to below 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  async authenticate(_request: Request, url: URL): Promise<Principal> {
    const uid = url.searchParams.get("uid") ?? this.#guest();
    if (!isUid(uid))
      throw new DanmakuError("invalid_message", "uid must be 1–64 characters of A–Z a–z 0–9 _ . -");
    const role = url.searchParams.get("role") ?? "viewer";
    if (!isRole(role)) throw new DanmakuError("invalid_message", `role must be one of ${ROLES.join(", ")}`);
    return { uid, role };
  }

  #guest(): string {
    let name = "guest-";
    for (let i = 0; i < GUEST_CHARS; i++) {
      name += GUEST_ALPHABET.charAt(Math.floor(this.#random() * GUEST_ALPHABET.length));
    }
    return name;
  }
}

/** Whether a value is the name of a role. */
export function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}
