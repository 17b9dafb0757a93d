/**
 * Bytes of memory that this process has in use. Not the collector's own count: that counts a buffer once for each of the
 * typed arrays upon it.
 */
export function residentBytes(): number {
  Bun.gc(true);
  return process.memoryUsage().rss;
}
