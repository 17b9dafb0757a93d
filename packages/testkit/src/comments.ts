import { seededRandom } from "./random.ts";

/** A comment as a recording has it. */
export interface Comment {
  /** Place in the video, ms. */
  readonly atMs: number;
  readonly uid: string;
  readonly content: string;
  readonly mode: "scroll" | "top" | "bottom" | "reverse";
  /** 0xrrggbb. */
  readonly color: number;
  readonly size: number;
}

const WORDS = [
  "666",
  "哈哈哈哈",
  "前方高能",
  "awsl",
  "泪目",
  "来了来了",
  "草",
  "nice!",
  "すごい",
  "vamos",
  "👏👏",
  "<b>粗</b>",
  "a & b",
];
const MODES = [
  "scroll",
  "scroll",
  "scroll",
  "scroll",
  "scroll",
  "scroll",
  "top",
  "bottom",
  "reverse",
] as const;
const COLORS = [0xffffff, 0xffffff, 0xffffff, 0xfe0302, 0x00cd00, 0x4266be];
const MODE_NUMBERS = { scroll: 1, bottom: 4, top: 5, reverse: 6 } as const;

/** Comments as real streams have them (short, bursty, a few languages), the same for the same seed; every content differs. */
export function generateComments(count: number, seed = 1): Comment[] {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  let atMs = 0;
  return Array.from({ length: count }, (_, index) => {
    atMs += random() < 0.1 ? random() * 2_000 : random() * 100;
    return {
      atMs: Math.round(atMs),
      uid: `u${Math.floor(random() * 500)}`,
      content: `${pick(WORDS)} ${pick(WORDS)} #${index}`,
      mode: pick(MODES),
      color: pick(COLORS),
      size: pick([18, 25, 25, 25, 36]),
    };
  });
}

/** The comments as a file of Bilibili's format. */
export function toBilibiliXml(comments: readonly Comment[]): string {
  const lines = comments.map(({ atMs, uid, content, mode, color, size }, index) => {
    const fields = [atMs / 1000, MODE_NUMBERS[mode], size, color, 0, 0, uid, index];
    return `<d p="${fields.join(",")}">${escapeXml(content)}</d>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?><i>\n${lines.join("\n")}\n</i>\n`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Contents of a file of Bilibili's format in order, trimmed; an independent and simple reading, for comparison. */
export function bilibiliContents(xml: string): string[] {
  return [...xml.matchAll(/<d p="[^"]*">([^<]*)<\/d>/g)].map((match) =>
    (match[1] ?? "")
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&apos;", "'")
      .replaceAll("&amp;", "&")
      .trim(),
  );
}
