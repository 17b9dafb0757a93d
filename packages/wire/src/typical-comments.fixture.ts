import type { DanmakuRecord } from "./index.ts";

const phrases = [
  "666",
  "哈哈哈哈哈哈",
  "前方高能",
  "草",
  "来了来了",
  "这也太好看了吧",
  "主播今天状态不错啊",
  "第一次看直播，请多关照",
  "awsl",
  "lol that was close",
  "gg wp",
  "wwwwww",
  "かわいい",
  "すごいすごい",
  "ㅋㅋㅋㅋ",
  "¡qué jugada!",
  "😂😂😂",
  "👏👏 bravo",
  "弹幕护体",
  "求求了出个教程吧",
];
const palette = [0xfe0302, 0xffd700, 0x00cd00, 0x4266be];

/** Comments like those of a live room, the same every time: mostly short, mostly white, mostly scrolling. */
export function typicalComments(count: number): DanmakuRecord[] {
  const records: DanmakuRecord[] = [];
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let i = 0; i < count; i++) {
    const color = random(4) > 0 ? 0xffffff : (palette[random(palette.length)] as number);
    records.push({
      type: "danmaku",
      offset: 10_000 + i,
      ts: 1_700_000_000_000 + 37 * i,
      uid: `u${100_000 + random(50_000)}`,
      content: phrases[random(phrases.length)] as string,
      mode: random(10) > 0 ? "scroll" : random(2) > 0 ? "top" : "bottom",
      color: `#${color.toString(16).padStart(6, "0")}`,
      size: 25,
      class: random(20) > 0 ? "normal" : "member",
    });
  }
  return records;
}
