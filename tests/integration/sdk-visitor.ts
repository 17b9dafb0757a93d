/** A room of the SDK that writes down everything it was told, for the tests of the SDK against real nodes. */
import {
  type ClientOptions,
  DanmakuClient,
  type DanmakuError,
  type GapRecord,
  type HelloRecord,
  type Room,
  type RoomOptions,
  type StateChange,
} from "@danmakud/client";
import { waitFor } from "@danmakud/testkit";

export class SdkVisitor {
  readonly client: DanmakuClient;
  readonly room: Room;
  readonly offsets: number[] = [];
  readonly contents: string[] = [];
  readonly gaps: GapRecord[] = [];
  readonly hellos: HelloRecord[] = [];
  readonly states: StateChange[] = [];
  readonly errors: DanmakuError[] = [];

  constructor(url: string, room: string, options: ClientOptions = {}, start: RoomOptions = {}) {
    this.client = new DanmakuClient(url, options);
    this.room = this.client.room(room, start);
    this.room.on("message", ({ offset, content }) => {
      this.offsets.push(offset);
      this.contents.push(content);
    });
    this.room.on("gap", (gap) => this.gaps.push(gap));
    this.room.on("joined", (hello) => this.hellos.push(hello));
    this.room.on("state", (change) => this.states.push(change));
    this.room.on("error", (error) => this.errors.push(error));
  }

  /** Waits until it is in the room, for the so-manieth time where that is said. */
  async connected(times = 1): Promise<void> {
    await waitFor(
      () => `the room to be connected ${times} times; states: ${JSON.stringify(this.states)}`,
      () => this.room.state === "connected" && this.connections.length >= times,
    );
  }

  get connections(): readonly StateChange[] {
    return this.states.filter(({ state }) => state === "connected");
  }

  async saw(count: number): Promise<void> {
    await waitFor(
      () => `${count} danmaku; there are ${this.contents.length}, states ${JSON.stringify(this.states)}`,
      () => this.contents.length >= count,
    );
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

/** Offsets strictly increase, which also means that none came twice. */
export function isIncreasing(offsets: readonly number[]): boolean {
  return offsets.every((offset, index) => index === 0 || offset > (offsets[index - 1] as number));
}
