import type { RoomLogReader } from "@danmakud/core/ports";
import type { ThreadContext } from "./thread.ts";

/**
 * A reader whose calls are announced as system calls: a disk that takes its time must not make a thread look hung, for
 * which it would be ended.
 */
export function announceReads(log: RoomLogReader, { heartbeats, start }: ThreadContext): RoomLogReader {
  const announced = <Result>(call: () => Result): Result => {
    heartbeats.enterSystemCall(start.thread);
    try {
      return call();
    } finally {
      heartbeats.leaveSystemCall(start.thread);
    }
  };
  return {
    room: (name) => announced(() => log.room(name)),
    settings: (name) => announced(() => log.settings(name)),
    read: (name, after, through, limits, onReady) =>
      announced(() => log.read(name, after, through, limits, onReady)),
    positionOfLast: (name, records, through, onReady) =>
      announced(() => log.positionOfLast(name, records, through, onReady)),
    keys: (name, sinceTs, keysMax) => announced(() => [...log.keys(name, sinceTs, keysMax)]),
    scheduled: (room, after, limit) => announced(() => log.scheduled(room, after, limit)),
    isScheduled: (room, number) => announced(() => log.isScheduled(room, number)),
    allScheduled: () => announced(() => log.allScheduled()),
    lastScheduled: () => announced(() => log.lastScheduled()),
    sanctions: (room, kind, now, after, limit) =>
      announced(() => log.sanctions(room, kind, now, after, limit)),
    bannedUntil: (room, uid) => announced(() => log.bannedUntil(room, uid)),
    allSanctions: () => announced(() => log.allSanctions()),
    list: (after, limit) => announced(() => log.list(after, limit)),
    count: () => announced(() => log.count()),
    untouchedSince: (ts, limit) => announced(() => log.untouchedSince(ts, limit)),
    close: () => log.close(),
  };
}
