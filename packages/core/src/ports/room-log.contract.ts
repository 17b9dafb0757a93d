/**
 * What every `RoomLog` has to keep, run on each implementation from its own tests. A log is driven as the node does it:
 * one writer, readers beside it, clean stops and crashes between.
 */
import { afterEach, beforeEach, describe } from "bun:test";
import {
  BURN,
  batchOf,
  type LogInUse,
  type LogUnderTest,
  type LogUnderTestOptions,
  NO_LIMITS,
  outline,
  RETAIN,
} from "./room-log.fixture.ts";
import { anythingContract } from "./room-log-contract/anything.ts";
import { keysContract } from "./room-log-contract/keys.ts";
import { livesContract } from "./room-log-contract/lives.ts";
import { readingContract } from "./room-log-contract/reading.ts";
import { retentionContract } from "./room-log-contract/retention.ts";
import { sanctionsContract } from "./room-log-contract/sanctions.ts";
import { scheduledContract } from "./room-log-contract/scheduled.ts";
import { settingsContract } from "./room-log-contract/settings.ts";

/** Runs the contract on one implementation. */
export function roomLogContract(
  name: string,
  open: (options: LogUnderTestOptions) => LogUnderTest | Promise<LogUnderTest>,
): void {
  describe(`room log contract: ${name}`, () => {
    let present: LogUnderTest;
    const begin = async () => {
      present = await open({ retain: RETAIN, burn: BURN });
    };
    const log: LogInUse = {
      get writer() {
        return present.writer;
      },
      get reader() {
        return present.reader;
      },
      restart: (how) => present.restart(how),
      renew: async () => {
        await present.dispose();
        await begin();
      },
      commit: (batch) => present.writer.commit(batchOf(batch)),
      all: (room, after = 0) => {
        const through = present.reader.room(room)?.head ?? 0;
        return outline(present.reader.read(room, after, through, NO_LIMITS));
      },
    };

    beforeEach(begin);
    afterEach(async () => {
      await present.dispose();
    });

    readingContract(log);
    scheduledContract(log);
    sanctionsContract(log);
    retentionContract(log);
    keysContract(log);
    livesContract(log);
    settingsContract(log);
    anythingContract(log);
  });
}
