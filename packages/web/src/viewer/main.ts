/** The viewer page: joins the room named in the address and connects stage, list, composer and status to it. */
import { DanmakuClient, type DanmakuRecord, type HelloRecord } from "@danmakud/client";
import { isRoomName } from "@danmakud/wire";
import { Composer } from "./composer.ts";
import { byId, disclose } from "./dom.ts";
import { chooseLanguage, type Language, phrase, translate } from "./i18n.ts";
import { CommentList, type Say } from "./list.ts";
import { RateMeter } from "./rate.ts";
import { drawScene } from "./scene.ts";
import { Stage } from "./stage.ts";
import { Status } from "./status.ts";
import {
  loadLanguage,
  loadSettings,
  type Settings,
  saveLanguage,
  saveSettings,
  stageOptions,
  tabToken,
  tabUid,
  visitRoom,
} from "./storage.ts";

/** Comments to start the list with. */
const HISTORY = 60;
/** Comments older than this when they arrive (history, a resume) go to the list only: the stage shows what is now. */
const FRESH_MS = 6000;
const RATE_EVERY_MS = 2000;

const asked = new URLSearchParams(location.search).get("room") ?? "demo";
const room = isRoomName(asked) ? asked : "demo";
let language: Language = chooseLanguage(
  [loadLanguage() ?? "", ...navigator.languages].filter((tag) => tag !== ""),
);
const say: Say = (key, values) => phrase(language, key, values);

const sceneCanvas = byId("scene", HTMLCanvasElement);
const stage = new Stage(byId("flight", HTMLCanvasElement));
const list = new CommentList(
  byId("list", HTMLOListElement),
  byId("empty", HTMLElement),
  byId("latest", HTMLButtonElement),
  say,
);
const status = new Status(say);
const rate = new RateMeter();

const token = tabToken();
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const client = new DanmakuClient(
  `${scheme}//${location.host}`,
  token === undefined ? { uid: tabUid() } : { getToken: () => token },
);
const live = client.room(room, { last: HISTORY });
const composer = new Composer({
  say,
  send: (message) => live.send(message),
  connected: () =>
    status.state !== "connecting" && status.state !== "reconnecting" && status.state !== "ended",
});

let hello: HelloRecord | undefined;
let clockSkewMs = 0;
let online: number | undefined;

live.on("joined", (record) => {
  if (hello !== undefined) list.note(record.resumed ? "resumedRow" : "restartedRow");
  hello = record;
  clockSkewMs = record.serverTime - Date.now();
});
live.on("batch", (records) => {
  const freshFrom = Date.now() + clockSkewMs - FRESH_MS;
  rate.add(records.length, performance.now());
  for (const record of records) show(record, freshFrom);
});
live.on("gap", (record) => list.gap(record));
live.on("deleted", (record) => {
  list.remove(record);
  stage.remove(({ offset, uid }) => offset === record.of || (uid === record.ofUid && offset < record.offset));
});
live.on("stats", (record) => {
  online = record.online;
  showOnline();
});
live.on("state", (change) => {
  status.show(change);
  composer.connectionChanged();
});

function show(record: DanmakuRecord, freshFrom: number): void {
  const own = record.uid === hello?.uid;
  list.add(record, own);
  if (record.ts >= freshFrom) stage.emit({ ...record, own });
}

function showOnline(): void {
  byId("online", HTMLElement).hidden = online === undefined;
  byId("online-count", HTMLElement).textContent = (online ?? 0).toLocaleString(language);
  byId("online-word", HTMLElement).textContent = say("onlineWord");
}

function showRate(): void {
  const perMinute = rate.perMinute(performance.now());
  byId("chat-count", HTMLElement).textContent =
    perMinute > 0 ? say("perMinute", { n: perMinute.toLocaleString(language) }) : "";
}
setInterval(showRate, RATE_EVERY_MS);

function showLanguage(): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  translate(document, language);
  const button = byId("language", HTMLButtonElement);
  button.textContent = say("otherLanguage");
  button.setAttribute("aria-label", say("switchLanguage"));
  status.refresh();
  showOnline();
  showRate();
}
byId("language", HTMLButtonElement).addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  saveLanguage(language);
  showLanguage();
});

document.title = `${room} · danmakud`;
byId("room-name", HTMLInputElement).value = room;
byId("stage-room", HTMLElement).textContent = room;
byId("room-recent", HTMLDataListElement).append(
  ...visitRoom(room).map((name) => {
    const option = document.createElement("option");
    option.value = name;
    return option;
  }),
);

let settings: Settings = loadSettings();
const panel = byId("settings", HTMLFormElement);
const sliders = Array.from(panel.querySelectorAll("input"));
const toggle = byId("toggle-flight", HTMLButtonElement);

function showSettings(): void {
  stage.setOptions(stageOptions(settings));
  toggle.setAttribute("aria-pressed", String(settings.visible));
  for (const slider of sliders) {
    const value = settings[slider.name as Exclude<keyof Settings, "visible">];
    slider.valueAsNumber = value;
    const shown = slider.closest("label")?.querySelector(".setting-value");
    if (shown) shown.textContent = `${value}%`;
  }
}
panel.addEventListener("input", (event) => {
  if (!(event.target instanceof HTMLInputElement)) return;
  settings = { ...settings, [event.target.name]: event.target.valueAsNumber };
  saveSettings(settings);
  showSettings();
});
panel.addEventListener("submit", (event) => event.preventDefault());
toggle.addEventListener("click", () => {
  settings = { ...settings, visible: !settings.visible };
  saveSettings(settings);
  showSettings();
});
disclose(byId("open-settings", HTMLButtonElement), panel, (open) => {
  panel.hidden = !open;
});

const fullscreen = byId("fullscreen", HTMLButtonElement);
fullscreen.hidden = !document.fullscreenEnabled;
fullscreen.addEventListener("click", () => {
  // A browser may refuse; then the page stays as it is.
  const change = document.fullscreenElement
    ? document.exitFullscreen()
    : byId("player", HTMLElement).requestFullscreen();
  change.catch(() => undefined);
});

new ResizeObserver(() => {
  drawScene(sceneCanvas);
  stage.resize();
}).observe(sceneCanvas);

showLanguage();
showSettings();
