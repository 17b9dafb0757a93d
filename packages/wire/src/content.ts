/** The character rules of what viewers write. */
import { invalid } from "./error.ts";
import { CONTENT_CODE_POINTS_MAX, DISPLAY_NAME_CODE_POINTS_MAX } from "./limits.ts";

/**
 * Checks the content of a danmaku and returns it trimmed. Throws `invalid_message`, saying which rule is broken:
 * 1 to `codePointsMax` code points after trimming; no control characters (Cc), lone surrogates, U+2028/2029 or
 * bidirectional controls; not invisible throughout.
 */
export function checkContent(text: string, codePointsMax: number = CONTENT_CODE_POINTS_MAX): string {
  return checkText(text, codePointsMax, "content");
}

/** Checks a sender's display name by the rules of content and returns it trimmed. */
export function checkDisplayName(text: string): string {
  return checkText(text, DISPLAY_NAME_CODE_POINTS_MAX, "name");
}

/** One pass over the code units; nothing is allocated unless something has to be trimmed. @hot */
function checkText(text: string, codePointsMax: number, what: string): string {
  const trimmed = text.trim();
  const units = trimmed.length;
  if (units === 0) invalid(`${what} is empty`);
  if (units > 2 * codePointsMax) invalid(`${what} is longer than ${codePointsMax} code points`);
  let pairs = 0;
  let visible = false;
  for (let i = 0; i < units; i++) {
    const c = trimmed.charCodeAt(i);
    if (c < 0x7f) {
      if (c > 0x20) visible = true;
      else if (c < 0x20) refuse(c, what);
    } else if (c >= 0x3001 && c < 0xd800) {
      // CJK, kana, Hangul: the bulk of what is not ASCII.
      if (c !== HANGUL_FILLER) visible = true;
    } else if (c < 0xd800 || c > 0xdfff) {
      if (isForbidden(c)) refuse(c, what);
      if (!isInvisible(c)) visible = true;
    } else {
      const low = trimmed.charCodeAt(++i);
      if (c > 0xdbff || !(low >= 0xdc00 && low < 0xe000)) invalid(`${what} has a lone surrogate`);
      pairs++;
      if (!visible && !isInvisiblePair(((c - 0xd800) << 10) + (low - 0xdc00) + 0x10000)) visible = true;
    }
  }
  if (units - pairs > codePointsMax) invalid(`${what} is longer than ${codePointsMax} code points`);
  if (!visible) invalid(`${what} is invisible throughout`);
  return trimmed;
}

const HANGUL_FILLER = 0x3164;

/** Beyond ASCII and below the CJK blocks or above the surrogates: control, separator or direction. */
function isForbidden(c: number): boolean {
  if (c <= 0x9f) return true; // DEL and C1; ASCII was dealt with
  if (c === 0x061c || c === 0x200e || c === 0x200f) return true; // Arabic letter mark, LRM, RLM
  return (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

function refuse(c: number, what: string): never {
  const kind =
    c <= 0x9f
      ? "a control character"
      : c === 0x2028 || c === 0x2029
        ? "a line or paragraph separator"
        : "a bidirectional control";
  return invalid(`${what} has ${kind} (U+${c.toString(16).toUpperCase().padStart(4, "0")})`);
}

/**
 * White space and what Unicode says to render as nothing (White_Space and Default_Ignorable_Code_Point), with the
 * braille blank and the interlinear marks, which show nothing either. Basic plane without ASCII.
 */
function isInvisible(c: number): boolean {
  if (c < 0x2000) {
    return (
      c === 0xa0 || // no-break space
      c === 0xad || // soft hyphen
      c === 0x034f || // combining grapheme joiner
      c === 0x115f || // Hangul fillers
      c === 0x1160 ||
      c === 0x1680 || // ogham space
      c === 0x17b4 || // Khmer inherent vowels
      c === 0x17b5 ||
      (c >= 0x180b && c <= 0x180f) // Mongolian selectors
    );
  }
  return (
    c <= 0x200f || // spaces, zero width
    c === 0x202f ||
    (c >= 0x205f && c <= 0x206f) || // spaces, joiners, invisible operators
    c === 0x2800 || // braille blank
    c === 0x3000 || // ideographic space
    (c >= 0xfe00 && c <= 0xfe0f) || // variation selectors
    c === 0xfeff ||
    c === 0xffa0 || // half-width Hangul filler
    (c >= 0xfff0 && c <= 0xfffb)
  );
}

/** The same beyond the basic plane. */
function isInvisiblePair(point: number): boolean {
  return (
    (point >= 0xe0000 && point <= 0xe0fff) || // tags, variation selectors
    (point >= 0x1bca0 && point <= 0x1bca3) || // shorthand format controls
    point === 0x1d159 || // musical null notehead
    (point >= 0x1d173 && point <= 0x1d17a) // musical format controls
  );
}
