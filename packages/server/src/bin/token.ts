import { isRoomName, isUid, ROLES } from "@danmakud/wire";
import { SignJWT } from "jose";
import { readSecret } from "../auth/index.ts";
import {
  flag,
  optionalFlag,
  readArguments,
  readEnvironment,
  renderFlags,
  resolveFlags,
  SERVE_FLAGS,
  UsageError,
} from "../config/index.ts";
import { choice, seconds, words } from "../config/values.ts";
import { type Command, EXIT } from "./command.ts";

/** Longer than anybody should trust a token, and still a date that every library can write. */
const EXPIRES_S_MAX = 10 * 365 * 86_400;

/** Those that `serve` has under the same names, so that one environment does for both. */
const SHARED_FLAGS = {
  authSecretFile: SERVE_FLAGS.authSecretFile,
  authAudience: SERVE_FLAGS.authAudience,
} as const;

const TOKEN_FLAGS = {
  uid: optionalFlag({ flag: "uid", argument: "U", schema: words(), help: "whose token (required)" }),
  role: flag({
    flag: "role",
    argument: "ROLE",
    schema: choice(...ROLES),
    fallback: "viewer" as const,
    help: ROLES.join(", "),
  }),
  name: optionalFlag({ flag: "name", argument: "N", schema: words(), help: "display name" }),
  rooms: optionalFlag({
    flag: "rooms",
    argument: "A,B",
    schema: words(),
    help: "rooms it is good for; default all",
  }),
  expiresS: flag({
    flag: "expires",
    argument: "S",
    schema: seconds(EXPIRES_S_MAX),
    fallback: 86_400,
    fallbackHelp: "1d",
    help: "seconds it is good for; also 15m, 1h, 7d",
  }),
  ...SHARED_FLAGS,
} as const;

export const command: Command = {
  summary: "make a token for a user",
  help: () => `Usage: danmakud token --uid U [flags]

Prints a token (JWT, HS256) signed with the secret that the node was given by --auth-secret-file,
here or as DANMAKUD_AUTH_SECRET_FILE. A node with --dev needs none.

${renderFlags(TOKEN_FLAGS)}`,
  run: async (argv) => {
    const sources = [readArguments(TOKEN_FLAGS, argv).source, readEnvironment(SHARED_FLAGS, process.env)];
    const { uid, role, name, rooms, expiresS, authSecretFile, authAudience } = resolveFlags(
      TOKEN_FLAGS,
      sources,
    );
    if (!isUid(uid)) throw new UsageError("--uid must be 1 to 64 characters of A-Z a-z 0-9 _ . -");
    const roomList = rooms?.split(",").map((room) => room.trim());
    if (roomList !== undefined && !roomList.every(isRoomName))
      throw new UsageError("--rooms must be room names, by commas");
    if (authSecretFile === undefined) {
      throw new UsageError("which secret? Give the node's --auth-secret-file, or DANMAKUD_AUTH_SECRET_FILE");
    }
    const claims = {
      role,
      ...(name === undefined ? {} : { name }),
      ...(roomList === undefined ? {} : { rooms: roomList }),
    };
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject(uid)
      .setIssuedAt()
      .setExpirationTime(`${expiresS}s`);
    if (authAudience !== undefined) token.setAudience(authAudience);
    console.log(await token.sign(await secretOf(authSecretFile)));
    return EXIT.ok;
  },
};

async function secretOf(file: string): Promise<Uint8Array> {
  try {
    return await readSecret(file);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
