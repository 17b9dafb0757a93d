import { DanmakuError, isRoomName } from "@danmakud/wire";
import { Room } from "./room.ts";
import type { ClientOptions, RoomOptions } from "./types.ts";

/** Rooms of one danmakud service, for one user. Every room has a connection of its own. */
export class DanmakuClient {
  readonly #base: string;
  readonly #options: ClientOptions;
  readonly #rooms = new Set<Room>();

  /**
   * @param url where the service is: `wss://live.example`, also `https://…`, with a path where it is mounted under one.
   * @throws TypeError where that is no such URL.
   */
  constructor(url: string, options: ClientOptions = {}) {
    const address = new URL(url);
    if (!/^(ws|http)s?:$/.test(address.protocol)) throw new TypeError(`not a ws or http address: ${url}`);
    this.#base = `${address.protocol.replace("ws", "http")}//${address.host}${address.pathname.replace(/\/$/, "")}`;
    this.#options = options;
  }

  /**
   * Enters a room.
   * @throws DanmakuError `invalid_message` where `id` is no room name.
   */
  room(id: string, start: RoomOptions = {}): Room {
    // The alphabet allows `.` and `..`, but no address can carry them: every runtime resolves them away.
    if (!isRoomName(id) || /^\.\.?$/.test(id))
      throw new DanmakuError("invalid_message", `not a room name: ${id}`);
    const address = `${this.#base}/v1/rooms/${id}`;
    const room = new Room(address, id, this.#options, start, (left) => this.#rooms.delete(left));
    this.#rooms.add(room);
    return room;
  }

  /** Leaves every room. */
  close(): void {
    for (const room of this.#rooms) room.leave();
  }
}
