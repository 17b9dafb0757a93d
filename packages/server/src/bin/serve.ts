import { parseServe, renderFlags, SERVE_FLAGS } from "../config/index.ts";
import { type Command, EXIT } from "./command.ts";

export const command: Command = {
  summary: "run one node",
  help: () => `Usage: danmakud serve [flags]

Runs one node: WebSocket, Server-Sent Events and HTTP on one port, an embedded log in --data.
Each flag is also an environment variable (--room-ttl is DANMAKUD_ROOM_TTL) and a key of the
--config file (room-ttl). A flag wins over the environment, which wins over the file.

Try it out with: danmakud serve --dev

${renderFlags(SERVE_FLAGS)}`,
  run: async (argv) => {
    const options = parseServe(argv, process.env);
    const { runServe } = await import("../app.ts"); // late: help and wrong flags need no server
    await runServe(options);
    // Everything is stopped and on disk; waiting for the runtime to let go of its threads would only delay a restart.
    process.exit(EXIT.ok);
  },
};
