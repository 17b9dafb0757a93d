import { DanmakuClient, type DanmakuRecord, type Room, type StateChange } from "@danmakud/client";
import { useEffect, useState } from "react";

/** Comments that are kept for the list. */
const KEPT = 100;

/** What a component needs of a room. */
export interface LiveRoom {
  /** Undefined until the effect has run. */
  readonly room: Room | undefined;
  readonly state: StateChange["state"];
  /** The latest, oldest first. */
  readonly latest: readonly DanmakuRecord[];
}

/** Is in a room while the component is mounted. */
export function useRoom(node: string, id: string, uid: string): LiveRoom {
  const [room, setRoom] = useState<Room>();
  const [state, setState] = useState<StateChange["state"]>("connecting");
  const [latest, setLatest] = useState<readonly DanmakuRecord[]>([]);
  useEffect(() => {
    const client = new DanmakuClient(node, { uid });
    const entered = client.room(id, { last: 20 });
    entered.on("state", (change) => setState(change.state));
    // One update for what came together, not one for each.
    entered.on("batch", (batch) => setLatest((before) => [...before, ...batch].slice(-KEPT)));
    entered.on("deleted", ({ of, ofUid, offset }) =>
      setLatest((before) =>
        before.filter((d) => !(d.offset === of || (d.uid === ofUid && d.offset < offset))),
      ),
    );
    setRoom(entered);
    return () => {
      client.close();
      setLatest([]);
    };
  }, [node, id, uid]);
  return { room, state, latest };
}
