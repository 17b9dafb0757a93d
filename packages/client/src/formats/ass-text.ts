/** Texts, times and colours of Advanced SubStation Alpha. */

/** Keeps a backslash from beginning a command; shows nothing. */
const WORD_JOINER = "\u2060";

/** A text as it is shown, whatever is in it: braces and backslashes are commands otherwise. */
export function escapeAss(text: string): string {
  return text.replace(/[\\{}]/g, (sign) => (sign === "\\" ? `\\${WORD_JOINER}` : `\\${sign}`));
}

/** The text of a line without its commands. */
export function unescapeAss(text: string): string {
  return text.replace(/\\([{}\u2060Nnh])|\{[^}]*\}/g, (_all, sign?: string) => {
    if (sign === undefined) return "";
    if (sign === WORD_JOINER) return "\\";
    return sign === "{" || sign === "}" ? sign : " ";
  });
}

/** Commands of a line, all of its blocks together. */
export function commandsOf(text: string): string {
  return (text.replace(/\\[{}]/g, "").match(/\{[^}]*\}/g) ?? []).join("");
}

/** `h:mm:ss.cc` */
export function formatAssTime(ms: number): string {
  const hundredths = Math.round(ms / 10);
  const seconds = Math.floor(hundredths / 100);
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}.${two(hundredths % 100)}`;
}

/** Milliseconds; NaN where it is no time. */
export function parseAssTime(text: string): number {
  const match = /^(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,3})?)$/.exec(text.trim());
  if (match === null) return Number.NaN;
  return Math.round((Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000);
}

/** `#rrggbb` as `&Hbbggrr&`. */
export function formatAssColor(color: string): string {
  return `&H${color.slice(5, 7)}${color.slice(3, 5)}${color.slice(1, 3)}&`.toUpperCase();
}

/** `&Hbbggrr&`, `&Haabbggrr` or a decimal number as `#rrggbb`; undefined where it is none. */
export function parseAssColor(text: string): string | undefined {
  const [, hexadecimal, decimal] = /^\s*(?:&?H([0-9a-f]{1,8})&?|(\d{1,10}))\s*$/i.exec(text) ?? [];
  if (hexadecimal === undefined && decimal === undefined) return undefined;
  const value = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  const [blue, green, red] = [value >>> 16, value >>> 8, value].map((part) => part & 0xff);
  const hex = (part = 0): string => part.toString(16).padStart(2, "0");
  return `#${hex(red)}${hex(green)}${hex(blue)}`;
}
