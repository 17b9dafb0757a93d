/**
 * A process full of connections: `crowd-process.ts CAPACITY TAG`. Takes commands from its standard input and answers on
 * its standard output (see `commands.ts`); ends with its input. Never returns to the runtime's event loop: a wait for
 * sockets is a wait for commands too, and costs nothing while nothing happens. TAG only marks the process.
 */
import { writeSync } from "node:fs";
import type { Answer, Command } from "./commands.ts";
import { Crowd } from "./crowd.ts";
import { publish } from "./publishing.ts";
import { readPipe } from "./socket-calls.ts";

const crowd = new Crowd(Number(process.argv[2]));
crowd.watch(0);
const input = new Uint8Array(4096);
const decoder = new TextDecoder();
let begun = "";
let isOpening = false;

function say(answer: Answer): void {
  writeSync(1, `${JSON.stringify(answer)}\n`);
}

function readCommands(): void {
  crowd.hasCommand = false;
  const count = readPipe(0, input);
  if (count === 0) process.exit(0);
  // Arrivals are reported once; more than one command at a time is never this long.
  if (count === input.length) throw new Error("too many commands at once");
  const lines = (begun + decoder.decode(input.subarray(0, count))).split("\n");
  begun = lines.pop() ?? "";
  for (const line of lines) obey(JSON.parse(line) as Command);
}

function obey(command: Command): void {
  switch (command.do) {
    case "open":
      crowd.open(command.block);
      isOpening = true;
      return;
    case "reset":
      crowd.reset();
      return;
    case "count":
      say({ says: "counts", counts: crowd.counts, latency: command.latency ? crowd.latency.toText() : "" });
      return;
    case "publish":
      say({ says: "published", ...publish(crowd, command.perSecond, command.seconds) });
      return;
  }
}

try {
  for (;;) {
    crowd.turn(-1);
    if (crowd.hasCommand) readCommands();
    if (isOpening && crowd.isOpen) {
      isOpening = false;
      Bun.gc(true);
      say({ says: "opened", micros: crowd.openMicros });
    }
  }
} catch (error) {
  say({ says: "failed", why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exit(1);
}
