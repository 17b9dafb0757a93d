/** The stream overlay `/overlay`: a room's comments on a transparent ground, for OBS and the like. */
import { DanmakuClient } from "@danmakud/client";
import { Overlay } from "@danmakud/overlay";
import { byId } from "../shared/dom.ts";
import { createOverlayWorker } from "../shared/overlay-worker.ts";
import { ownService } from "../shared/service.ts";
import { readStreamOptions } from "./stream-options.ts";

const query = new URLSearchParams(location.search);
const { options, faults } = readStreamOptions(query);
if (faults.length > 0) {
  const notice = byId("notice", HTMLElement);
  notice.textContent = faults.join("\n");
  notice.hidden = false;
}

const overlay = new Overlay(byId("stage", HTMLElement), {
  ...options.overlay,
  createWorker: createOverlayWorker,
  reader: "off",
});
// A fragment is never sent to a server, so a token in it stays out of logs.
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? query.get("token") ?? undefined;
const client = new DanmakuClient(ownService(), {
  ...(options.uid === undefined ? {} : { uid: options.uid }),
  ...(token === undefined ? {} : { getToken: () => token }),
});
const room = client.room(options.room, { last: options.last });
room.on("batch", (records) => overlay.emit(records));
room.on("deleted", ({ of, ofUid, offset }) => {
  if (of !== undefined) overlay.remove(of);
  if (ofUid !== undefined) overlay.removeByUser(ofUid, offset);
});
room.on("state", ({ state }) => {
  document.body.dataset.state = state;
});
