/** What the subcommands that visit a node have in common: its address, and who one is there. */
import { DanmakuClient } from "@danmakud/client";
import { isRoomName, type Role } from "@danmakud/wire";
import {
  type FlagTable,
  type FlagValues,
  flag,
  optionalFlag,
  readArguments,
  readEnvironment,
  resolveFlags,
  UsageError,
} from "../config/index.ts";
import { url, words } from "../config/values.ts";

export const VISITOR_FLAGS = {
  url: flag({
    flag: "url",
    argument: "URL",
    schema: url("ws:", "wss:", "http:", "https:"),
    fallback: "ws://127.0.0.1:8080",
    help: "the node",
  }),
  token: optionalFlag({
    flag: "token",
    argument: "T",
    schema: words(),
    help: "token to sign in with; better as DANMAKUD_TOKEN, which the list of processes does not show",
  }),
} as const;

/** Reads a visitor's arguments; `--url` and `--token` may also come from the environment. */
export function readVisit<Table extends FlagTable>(
  table: Table,
  argv: readonly string[],
): { readonly values: FlagValues<Table>; readonly positional: string | undefined } {
  const { source, positionals } = readArguments(table, argv, 1);
  const values = resolveFlags(table, [source, readEnvironment(VISITOR_FLAGS, process.env)]);
  return { values, positional: positionals[0] };
}

/** A client for a node: by token, or on a node without sign-in as the given user. */
export function visit(
  { url: address, token }: FlagValues<typeof VISITOR_FLAGS>,
  uid: string,
  role: Role,
): DanmakuClient {
  return new DanmakuClient(address, token === undefined ? { uid, role } : { getToken: () => token });
}

/** @throws UsageError where the text is no room name. */
export function checkRoom(text: string | undefined): string {
  if (text === undefined) throw new UsageError("which room?");
  if (!isRoomName(text)) {
    throw new UsageError(`${JSON.stringify(text)} is no room: 1 to 64 characters of A-Z a-z 0-9 _ . -`);
  }
  return text;
}
