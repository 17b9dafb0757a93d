/** The scripts that the server runs, and their calls with names for places. */
import type { Cluster, Redis } from "ioredis";
import append from "./append.lua" with { type: "text" };
import beat from "./beat.lua" with { type: "text" };
import look from "./look.lua" with { type: "text" };

type Argument = string | number | Buffer;
/** A call by its SHA1; the client sends the text where the server does not have it. */
type Call = (...args: Argument[]) => Promise<unknown>;

export interface Scripts {
  readonly append: Call;
  readonly look: Call;
  readonly beat: Call;
}

export function defineScripts(client: Redis | Cluster): Scripts {
  const define = (name: string, lua: string, numberOfKeys: number): Call => {
    client.defineCommand(name, { lua, numberOfKeys });
    // The library adds the command to the client as a method that its types cannot know.
    const call = (client as unknown as Record<string, Call>)[name] as Call;
    return (...args) => call.apply(client, args);
  };
  return {
    append: define("danmakudAppend", append, 5),
    look: define("danmakudLook", look, 2),
    beat: define("danmakudBeat", beat, 1),
  };
}
