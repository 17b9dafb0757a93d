/** The scripts that the server runs, and their calls with names for places. */
import type { Cluster, Redis } from "ioredis";
import append from "./append.lua" with { type: "text" };
import beat from "./beat.lua" with { type: "text" };
import dueRooms from "./due-rooms.lua" with { type: "text" };
import listScheduled from "./list-scheduled.lua" with { type: "text" };
import look from "./look.lua" with { type: "text" };
import sanction from "./sanction.lua" with { type: "text" };
import schedule from "./schedule.lua" with { type: "text" };
import visible from "./visible.lua" with { type: "text" };

type Argument = string | number | Buffer;
/** A call by its SHA1; the client sends the text where the server does not have it. */
export type Call = (...args: Argument[]) => Promise<unknown>;

export interface Scripts {
  readonly append: Call;
  readonly look: Call;
  readonly beat: Call;
  readonly schedule: Call;
  readonly dueRooms: Call;
  readonly visible: Call;
}

export function defineScripts(client: Redis | Cluster): Scripts {
  return {
    append: define(client, "danmakudAppend", append, 9),
    look: define(client, "danmakudLook", look, 4),
    beat: define(client, "danmakudBeat", beat, 1),
    schedule: define(client, "danmakudSchedule", schedule, 7),
    visible: define(client, "danmakudVisible", visible, 1),
    dueRooms: define(client, "danmakudDueRooms", dueRooms, 2),
  };
}

export function defineSanction(client: Redis | Cluster): Call {
  return define(client, "danmakudSanction", sanction, 2);
}

/** What a gateway runs. Its reply is one of bytes. */
export function defineList(client: Redis | Cluster): Call {
  return define(client, "danmakudListScheduled", listScheduled, 2, "Buffer");
}

function define(
  client: Redis | Cluster,
  name: string,
  lua: string,
  numberOfKeys: number,
  reply: "" | "Buffer" = "",
): Call {
  client.defineCommand(name, { lua, numberOfKeys });
  // The library adds the command to the client as a method that its types cannot know.
  const call = (client as unknown as Record<string, Call>)[`${name}${reply}`] as Call;
  return (...args) => call.apply(client, args);
}
