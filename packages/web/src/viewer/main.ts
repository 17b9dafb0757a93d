/** The viewer page: joins the room named in the address and connects stage, list, composer and status to it. */
import { DanmakuClient, type DanmakuRecord, type HelloRecord } from "@danmakud/client";
import { byId, disclose } from "../shared/dom.ts";
import { askedRoom, ownService } from "../shared/service.ts";
import { Composer } from "./composer.ts";
import { Flight } from "./flight.ts";
import { chooseLanguage, type Language, phrase, translate } from "./i18n.ts";
import { LatencyMeter } from "./latency.ts";
import { CommentList, type Say } from "./list.ts";
import { RateMeter } from "./rate.ts";
import { drawScene } from "./scene.ts";
import { Status } from "./status.ts";
import {
  blockedWords,
  loadLanguage,
  loadSettings,
  type Settings,
  type SliderName,
  saveLanguage,
  saveSettings,
  tabToken,
  tabUid,
  visitRoom,
} from "./storage.ts";
import { VideoStage } from "./video.ts";

/** Comments to start the list with. */
const HISTORY = 60;
/** Comments older than this when they arrive (history, a resume) go to the list only: they have flown already. */
const FRESH_MS = 6000;
const RATE_EVERY_MS = 2000;
const ROUND_TRIP_EVERY_MS = 30_000;

const room = askedRoom(new URLSearchParams(location.search));
let language: Language = chooseLanguage(
  [loadLanguage() ?? "", ...navigator.languages].filter((tag) => tag !== ""),
);
const say: Say = (key, values) => phrase(language, key, values);

const sceneCanvas = byId("scene", HTMLCanvasElement);
const flight = new Flight(byId("flight", HTMLElement));
const video = new VideoStage(say);
const list = new CommentList(
  byId("list", HTMLOListElement),
  byId("empty", HTMLElement),
  byId("latest", HTMLButtonElement),
  say,
);
const status = new Status(say);
const rate = new RateMeter();
const latency = new LatencyMeter();

const token = tabToken();
const client = new DanmakuClient(
  ownService(),
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
let settings: Settings = loadSettings();
let words = blockedWords(settings);

live.on("joined", (record) => {
  if (hello !== undefined) list.note(record.resumed ? "resumedRow" : "restartedRow");
  hello = record;
  clockSkewMs = record.serverTime - Date.now();
});
live.on("batch", (records) => {
  const nowMs = Date.now();
  const serverMs = nowMs + clockSkewMs;
  rate.add(records.length, performance.now());
  const fresh: OwnedRecord[] = [];
  for (const record of records) {
    const own = record.uid === hello?.uid;
    if (!own && isBlocked(record)) continue;
    list.add(record, own);
    const ageMs = serverMs - record.ts;
    if (ageMs > FRESH_MS) continue;
    // What was there before this page joined is under way by now, and tells nothing of the connection.
    const isHistory = record.offset <= (hello?.head ?? 0);
    if (!isHistory) latency.arrived(record.ts, nowMs);
    fresh.push({ ...record, own, ageMs: isHistory ? ageMs : 0 });
  }
  if (fresh.length > 0) flight.emit(fresh);
});
live.on("gap", (record) => list.gap(record));
live.on("deleted", (record) => {
  list.remove(record);
  flight.remove(record);
});
live.on("stats", (record) => {
  online = record.online;
  showOnline();
});
live.on("state", (change) => {
  status.show(change);
  composer.connectionChanged();
});

interface OwnedRecord extends DanmakuRecord {
  readonly own: boolean;
  readonly ageMs: number;
}

function isBlocked({ content }: DanmakuRecord): boolean {
  if (words.length === 0) return false;
  const text = content.toLowerCase();
  return words.some((word) => text.includes(word));
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
  const { latencyMs } = latency;
  byId("latency", HTMLElement).hidden = latencyMs === undefined;
  byId("latency-value", HTMLElement).textContent = say("milliseconds", { n: latencyMs ?? 0 });
}
setInterval(showRate, RATE_EVERY_MS);

async function measureRoundTrip(): Promise<void> {
  const beganMs = performance.now();
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    if (answer.ok) latency.roundTrip(performance.now() - beganMs);
  } catch {
    // Not reachable now: the state of the connection says so.
  }
}
void measureRoundTrip();
setInterval(() => {
  if (document.visibilityState === "visible") void measureRoundTrip();
}, ROUND_TRIP_EVERY_MS);

function showLanguage(): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  translate(document, language);
  const button = byId("language", HTMLButtonElement);
  button.textContent = say("otherLanguage");
  // A name begins with what is seen, so that it can be spoken to.
  button.setAttribute("aria-label", `${say("otherLanguage")} – ${say("switchLanguage")}`);
  status.refresh();
  video.refresh();
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

const panel = byId("settings", HTMLFormElement);
const fields = Array.from(panel.querySelectorAll("input"));
const toggle = byId("toggle-flight", HTMLButtonElement);

function showSettings(): void {
  words = blockedWords(settings);
  flight.setSettings(settings);
  toggle.setAttribute("aria-pressed", String(settings.visible));
  for (const field of fields) {
    if (field.type === "checkbox") field.checked = settings.merge;
    else if (field.type === "text") field.value = settings.blocked;
    else {
      const value = settings[field.name as SliderName];
      field.valueAsNumber = value;
      const shown = field.closest("label")?.querySelector(".setting-value");
      if (shown) shown.textContent = `${value}%`;
    }
  }
}
panel.addEventListener("input", ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return;
  const value =
    target.type === "checkbox"
      ? target.checked
      : target.type === "text"
        ? target.value
        : target.valueAsNumber;
  settings = { ...settings, [target.name]: value };
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

new ResizeObserver(() => drawScene(sceneCanvas)).observe(sceneCanvas);

showLanguage();
showSettings();
