/** The scripts that the server runs, and their calls with names for places. */
import type { Cluster, Redis } from "ioredis";
import append from "./append.lua" with { type: "text" };
import beat from "./beat.lua" with { type: "text" };
import look from "./look.lua" with { type: "text" };
import sanction from "./sanction.lua" with { type: "text" };

type Argument = string | number | Buffer;
/** A call by its SHA1; the client sends the text where the server does not have it. */
export type Call = (...args: Argument[]) => Promise<unknown>;

export interface Scripts {
  readonly append: Call;
  readonly look: Call;
  readonly beat: Call;
}

export function defineScripts(client: Redis | Cluster): Scripts {
  return {
    append: define(client, "danmakudAppend", append, 5),
    look: define(client, "danmakudLook", look, 3),
    beat: define(client, "danmakudBeat", beat, 1),
  };
}

export function defineSanction(client: Redis | Cluster): Call {
  return define(client, "danmakudSanction", sanction, 2);
}

function define(client: Redis | Cluster, name: string, lua: string, numberOfKeys: number): Call {
  client.defineCommand(name, { lua, numberOfKeys });
  // The library adds the command to the client as a method that its types cannot know.
  const call = (client as unknown as Record<string, Call>)[name] as Call;
  return (...args) => call.apply(client, args);
}
