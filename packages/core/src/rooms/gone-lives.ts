/** Takes back what gateways had counted in lives of them that are over, a part of the rooms in each turn of the thread. */
import type { ThreadTimers, TimerKind } from "../timing/index.ts";
import { ROOM_LIMITS } from "./limits.ts";

export interface GoneLivesOptions<Room> {
  readonly timers: ThreadTimers;
  /** Open rooms in the order in which they were opened, those opened meanwhile included. */
  readonly rooms: () => Iterator<Room>;
  readonly takeBack: (room: Room, gateway: number, life: number) => void;
}

interface GoneLife<Room> {
  readonly gateway: number;
  readonly life: number;
  readonly rooms: Iterator<Room>;
}

export class GoneLives<Room> {
  readonly #options: GoneLivesOptions<Room>;
  readonly #kind: TimerKind;
  /** Oldest first. Few: a gateway's thread takes longer to start than all rooms take. */
  readonly #lives: GoneLife<Room>[] = [];

  constructor(options: GoneLivesOptions<Room>) {
    this.#options = options;
    this.#kind = options.timers.exact((_data, now) => this.#takeBack(now));
  }

  add(gateway: number, life: number): void {
    const { timers, rooms } = this.#options;
    this.#lives.push({ gateway, life, rooms: rooms() });
    if (this.#lives.length === 1) timers.set(timers.now, this.#kind, 0);
  }

  #takeBack(now: number): void {
    const { timers, takeBack } = this.#options;
    const [gone] = this.#lives;
    if (gone === undefined) return;
    for (let left = ROOM_LIMITS.takenBackPerTurnMax; left > 0; left--) {
      const { value: room, done } = gone.rooms.next();
      if (done === true) {
        this.#lives.shift();
        break;
      }
      takeBack(room, gone.gateway, gone.life);
    }
    if (this.#lives.length > 0) timers.set(now + 1, this.#kind, 0);
  }
}
