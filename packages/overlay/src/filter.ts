/** Filters, made ready once per change. */
import type { Comment, Filter } from "./types.ts";

/** Whether a comment is held back. */
export type IsBlocked = (comment: Comment) => boolean;

const lower = (text: string) => text.toLowerCase();

/** Makes a filter ready. Own comments pass always. */
export function compileFilter(filter: Filter): IsBlocked {
  const keywords = (filter.keywords ?? []).filter((word) => word !== "").map(lower);
  const patterns = filter.patterns ?? [];
  const users = new Set(filter.users);
  const modes = new Set<string>(filter.modes);
  const colors = new Set(filter.colors?.map(lower));
  const noColors = colors.has("coloured");
  return ({ content, uid, mode = "scroll", color = "#ffffff", own }) => {
    if (own) return false;
    if (modes.has(mode) || (uid !== undefined && users.has(uid))) return true;
    if (colors.size > 0 && (colors.has(lower(color)) || (noColors && lower(color) !== "#ffffff")))
      return true;
    if (keywords.length > 0) {
      const text = lower(content);
      if (keywords.some((word) => text.includes(word))) return true;
    }
    return patterns.some((pattern) => {
      pattern.lastIndex = 0;
      return pattern.test(content);
    });
  };
}
