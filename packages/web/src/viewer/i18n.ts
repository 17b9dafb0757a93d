/**
 * The page's words in its two languages. Elements carry `data-text`, `data-label`, `data-title` or `data-placeholder`
 * with a key; `translate` fills them in.
 */

const en = {
  skipToComposer: "Skip to the comment box",
  home: "danmakud, room demo",
  openRoom: "Open a room",
  room: "Room",
  roomRule: "1–64 letters, digits, or _ . -",
  open: "Open",
  live: "Live",
  stage: "Stage",
  showComments: "Flying comments",
  settings: "Display settings",
  fullscreen: "Full screen",
  opacity: "Opacity",
  speed: "Speed",
  textSize: "Text size",
  area: "Area",
  density: "Density",
  merge: "Merge repeats",
  blocked: "Blocked words",
  blockedHint: "separated by commas",
  video: "Video",
  openVideo: "Play a video behind the comments",
  videoAddress: "Address of a video",
  playVideo: "Play",
  sceneAgain: "Back to the scene",
  videoBad: "That is not an address of the web.",
  videoFailed: "This video cannot be played here.",
  play: "Play",
  pause: "Pause",
  mute: "Sound off",
  unmute: "Sound on",
  latency: "Latency",
  latencyHint: "Time from the server to this page",
  milliseconds: "{n} ms",
  writeComment: "Write a comment",
  mode: "Motion",
  scroll: "Scroll",
  reverse: "Reverse",
  top: "Top",
  bottom: "Bottom",
  small: "Small",
  medium: "Medium",
  large: "Large",
  color: "Colour",
  white: "White",
  yellow: "Yellow",
  orange: "Orange",
  red: "Red",
  pink: "Pink",
  violet: "Violet",
  blue: "Blue",
  green: "Green",
  look: "Motion, size and colour",
  comment: "Comment",
  placeholder: "Say something…",
  send: "Send",
  comments: "Comments",
  empty: "Quiet so far. Say the first word.",
  latest: "Latest comments",
  me: "me",
  member: "member",
  moderator: "mod",
  paid: "paid",
  system: "notice",
  otherLanguage: "中文",
  switchLanguage: "切换到中文",
  onlineWord: "online",
  perMinute: "{n} / min",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  resumed: "Resumed",
  restarted: "Reconnected",
  ended: "Disconnected",
  endedUnauthorized: "Sign-in needed",
  endedBanned: "Banned from this room",
  endedClosed: "Room closed",
  endedProtocol: "Refused by the server",
  willSend: "Not connected. It goes out as soon as the connection is back.",
  resumedRow: "Connection restored",
  restartedRow: "Connection restored; comments in between may be missing",
  gapSlow: "{n} comments skipped: this connection was too slow",
  gapTrimmed: "Older comments are no longer kept",
  gapSampled: "{n} comments left out in the rush",
  gapLost: "The server restarted here",
  gapDeleted: "{n} comments removed",
  tooLong: "{n} characters too long",
  errorRate: "Too fast. Try again in {n} s.",
  errorMuted: "You are muted in this room.",
  errorBanned: "You are banned from this room.",
  errorRejected: "This comment is not allowed here.",
  errorClosed: "This room is closed.",
  errorForbidden: "You may not send this.",
  errorUnauthorized: "Sign in to send comments.",
  errorBusy: "The server is busy. Try again shortly.",
  errorOther: "Not sent: {message}",
} as const;

/** Key of a phrase. */
export type Phrase = keyof typeof en;

const zh: Readonly<Record<Phrase, string>> = {
  skipToComposer: "跳到弹幕输入框",
  home: "danmakud，demo 房间",
  openRoom: "打开房间",
  room: "房间",
  roomRule: "1–64 个字母、数字或 _ . -",
  open: "进入",
  live: "直播",
  stage: "舞台",
  showComments: "弹幕开关",
  settings: "显示设置",
  fullscreen: "全屏",
  opacity: "不透明度",
  speed: "速度",
  textSize: "字号",
  area: "显示区域",
  density: "密度",
  merge: "合并重复弹幕",
  blocked: "屏蔽词",
  blockedHint: "用逗号分隔",
  video: "视频",
  openVideo: "在弹幕后播放视频",
  videoAddress: "视频地址",
  playVideo: "播放",
  sceneAgain: "回到画面",
  videoBad: "这不是网络地址。",
  videoFailed: "无法在此播放该视频。",
  play: "播放",
  pause: "暂停",
  mute: "静音",
  unmute: "取消静音",
  latency: "延迟",
  latencyHint: "从服务器到本页的时间",
  milliseconds: "{n} 毫秒",
  writeComment: "发弹幕",
  mode: "模式",
  scroll: "滚动",
  reverse: "逆向",
  top: "顶部",
  bottom: "底部",
  small: "小",
  medium: "中",
  large: "大",
  color: "颜色",
  white: "白",
  yellow: "黄",
  orange: "橙",
  red: "红",
  pink: "粉",
  violet: "紫",
  blue: "蓝",
  green: "绿",
  look: "模式、字号和颜色",
  comment: "弹幕",
  placeholder: "发条弹幕吧…",
  send: "发送",
  comments: "弹幕列表",
  empty: "还没有弹幕，来说第一句吧。",
  latest: "最新弹幕",
  me: "我",
  member: "会员",
  moderator: "房管",
  paid: "付费",
  system: "公告",
  otherLanguage: "EN",
  switchLanguage: "Switch to English",
  onlineWord: "人在线",
  perMinute: "{n} 条/分",
  connecting: "连接中",
  connected: "已连接",
  reconnecting: "重新连接中",
  resumed: "已恢复",
  restarted: "已重连",
  ended: "已断开",
  endedUnauthorized: "需要登录",
  endedBanned: "已被此房间封禁",
  endedClosed: "房间已关闭",
  endedProtocol: "被服务器拒绝",
  willSend: "尚未连接，恢复后会自动发出。",
  resumedRow: "连接已恢复",
  restartedRow: "连接已恢复，其间的弹幕可能有缺失",
  gapSlow: "网络较慢，跳过了 {n} 条弹幕",
  gapTrimmed: "更早的弹幕已不再保留",
  gapSampled: "弹幕太多，省略了 {n} 条",
  gapLost: "服务器在此重启",
  gapDeleted: "{n} 条弹幕已移除",
  tooLong: "超出 {n} 个字符",
  errorRate: "发送太快，请 {n} 秒后再试。",
  errorMuted: "你在此房间被禁言。",
  errorBanned: "你已被此房间封禁。",
  errorRejected: "这条弹幕不允许发送。",
  errorClosed: "房间已关闭。",
  errorForbidden: "你没有权限发送。",
  errorUnauthorized: "登录后才能发弹幕。",
  errorBusy: "服务器繁忙，请稍后再试。",
  errorOther: "发送失败：{message}",
};

/** The languages of the page, by BCP 47 primary tag. */
export const PHRASES = { en, zh } as const;
export type Language = keyof typeof PHRASES;

/** The language for a list of the browser's preferences, best first; English where none is known. */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "zh" || primary === "en") return primary;
  }
  return "en";
}

/** A phrase with `{name}` places filled in. */
export function phrase(
  language: Language,
  key: Phrase,
  values: Readonly<Record<string, string | number>> = {},
) {
  return PHRASES[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Fills in every marked element below `root`. */
export function translate(root: ParentNode, language: Language): void {
  const each = (marker: string, apply: (element: HTMLElement, text: string) => void) => {
    for (const element of root.querySelectorAll<HTMLElement>(`[data-${marker}]`)) {
      const key = element.dataset[marker];
      if (key !== undefined && key in en) apply(element, phrase(language, key as Phrase));
    }
  };
  each("text", (element, text) => {
    element.textContent = text;
  });
  each("label", (element, text) => {
    element.setAttribute("aria-label", text);
    if (element instanceof HTMLButtonElement) element.title = text;
  });
  each("title", (element, text) => {
    element.title = text;
  });
  each("placeholder", (element, text) => {
    element.setAttribute("placeholder", text);
  });
}
