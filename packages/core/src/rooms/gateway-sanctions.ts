/** Brings mutes and bans into effect on a gateway: who is banned is sent away at once. */
import { CLOSE_CODES } from "@danmakud/wire";
import { type Sanction, SITE } from "../ports/index.ts";
import type { ViewerId } from "./hub.ts";
import { hashUid } from "./left-out-senders.ts";
import type { RoomRegistry } from "./room-registry.ts";
import { SanctionBook } from "./sanction-book.ts";
import type { SanctionGate } from "./sanction-gate.ts";
import type { ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

export class GatewaySanctions {
  readonly #gate: SanctionGate;
  readonly #table: ViewerTable;
  readonly #rooms: RoomRegistry;

  constructor(gate: SanctionGate, table: ViewerTable, rooms: RoomRegistry) {
    this.#gate = gate;
    this.#table = table;
    this.#rooms = rooms;
  }

  /** One was imposed, lifted, or is over. */
  changed(sanction: Sanction): void {
    const { room: name, kind, uid, until } = sanction;
    if (name === SITE) {
      this.#gate.site.put(sanction);
      if (kind === "ban" && until > 0) this.#sendAway(this.#everybody(), uid);
      return;
    }
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    room.sanctions ??= new SanctionBook();
    room.sanctions.put(sanction);
    if (room.sanctions.isEmpty) room.sanctions = undefined;
    if (kind === "ban" && until > 0) this.#sendAway(room.viewers, uid);
  }

  /** One that holds, before the answer to the question of this ticket. */
  told(ticket: number, sanction: Sanction): void {
    if (sanction.room === SITE) this.changed(sanction);
    else this.#rooms.told(ticket, sanction);
  }

  /** All that holds in a room was told anew: whoever may not be in it any more is sent away. */
  renewed(room: WatchedRoom): void {
    if (room.sanctions === undefined) return;
    for (const viewer of [...room.viewers]) this.#check(viewer);
  }

  #sendAway(viewers: Iterable<ViewerId>, uid: string): void {
    const hash = hashUid(uid);
    // Closing takes viewers out of the list.
    const found: ViewerId[] = [];
    for (const viewer of viewers) {
      if (this.#table.uidHash[viewer] === hash && this.#table.principals[viewer]?.uid === uid)
        found.push(viewer);
    }
    for (const viewer of found) this.#check(viewer);
  }

  #check(viewer: ViewerId): void {
    const who = this.#table.principals[viewer];
    const room = this.#table.rooms[viewer];
    const sink = this.#table.sinks[viewer];
    if (who === undefined || room === undefined || sink === undefined) return;
    const banned = this.#gate.entry(room, who);
    if (banned !== undefined) sink.close(CLOSE_CODES.banned, banned.message);
  }

  *#everybody(): Iterable<ViewerId> {
    for (let viewer = 0; viewer < this.#table.rows; viewer++) yield viewer;
  }
}
