import { DISPATCH_FLAGS, parseDispatch, renderFlags } from "../config/index.ts";
import { type Command, EXIT } from "./command.ts";

export const command: Command = {
  summary: "bring every danmaku from Redis to an archive, a webhook or a place of your own",
  help: () => `Usage: danmakud dispatch --redis URL --sink SINK [flags]

Runs one worker of the consumer group cg-danmu. Every danmaku of every room is brought to each of
the sinks at least once, those of a room in order, and acknowledged when all sinks have it. Any
number of workers share the rooms; when one dies the others take over within seconds.

  --sink archive:FOLDER        files of JSON lines, one per danmaku
  --sink webhook:URL           POST in batches, signed with --webhook-secret-file
  --sink ./my-sink.ts?key=a    a module that exports createSink (docs/dispatch.md)

What a sink refuses, or fails to take five times, goes to the stream dead:room:{ROOM}; while a
sink cannot be reached, danmaku wait in Redis. Each flag is also an environment variable
(--archive-fsync is DANMAKUD_ARCHIVE_FSYNC); a flag wins.

${renderFlags(DISPATCH_FLAGS)}`,
  run: async (argv) => {
    const options = parseDispatch(argv, process.env);
    const { runDispatch } = await import("../dispatch/run-dispatch.ts"); // late: help and wrong flags need none of it
    await runDispatch(options);
    process.exit(EXIT.ok);
  },
};
