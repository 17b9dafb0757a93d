/** Replies of Redis to the dispatch workers' commands, taken apart. */

/** An entry of a room's stream, as it came. */
export interface StreamEntry {
  readonly id: string;
  /** Names and values in turn; null for an entry that is pending, but no longer in the stream. */
  readonly fields: readonly string[] | null;
}

/** Entries by stream key. RESP3 maps come as one flat list, those of RESP2 as pairs; a null reply has none. */
export function streamsOf(
  reply: unknown,
): readonly (readonly [key: string, entries: readonly StreamEntry[]])[] {
  if (!Array.isArray(reply)) return [];
  const streams: [string, readonly StreamEntry[]][] = [];
  for (let at = 0; at < reply.length; ) {
    const item: unknown = reply[at];
    if (Array.isArray(item)) {
      streams.push([String(item[0]), entriesOf(item[1])]);
      at++;
    } else {
      streams.push([String(item), entriesOf(reply[at + 1])]);
      at += 2;
    }
  }
  return streams;
}

/** Entries of one stream: `[[id, [name, value, …] | null], …]`. */
export function entriesOf(reply: unknown): readonly StreamEntry[] {
  if (!Array.isArray(reply)) return [];
  const entries: StreamEntry[] = [];
  for (const item of reply as readonly unknown[]) {
    if (Array.isArray(item)) {
      entries.push({ id: String(item[0]), fields: (item[1] ?? null) as readonly string[] | null });
    }
  }
  return entries;
}

/** The stream that a `NOGROUP` error names, or undefined for another error. */
export function streamWithoutGroup(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : "";
  // "No such key 'K' or consumer group 'G' …" before a read; "the consumer group … no longer exists" out of a blocked one.
  return (
    /^NOGROUP .*?key '([^']+)'/.exec(message)?.[1] ?? (/^NOGROUP|^UNBLOCKED/.test(message) ? "" : undefined)
  );
}
