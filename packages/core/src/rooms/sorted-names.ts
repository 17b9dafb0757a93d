/** Names in order, of which any page can be read without looking at the others. */

/** A chunk is split when it grows past this: moving as many pointers costs less than a microsecond. */
const CHUNK_NAMES_MAX = 512;

/**
 * A sorted set of names, cut into short sorted chunks: the leaves of a B-tree, and one array over them, which for a
 * million names holds a few thousand. Adding, deleting and finding a place cost two binary searches and the moving of a
 * chunk's tail. Compares like `<`, which for room names is the order of their bytes.
 */
export class SortedNames {
  /** Never empty but for the only one. */
  readonly #chunks: string[][] = [[]];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(name: string): void {
    const at = this.#chunkOf(name);
    const chunk = this.#chunks[at] as string[];
    const place = placeOf(chunk, name);
    if (chunk[place] === name) return;
    chunk.splice(place, 0, name);
    this.#size++;
    if (chunk.length > CHUNK_NAMES_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  delete(name: string): void {
    const at = this.#chunkOf(name);
    const chunk = this.#chunks[at] as string[];
    const place = placeOf(chunk, name);
    if (chunk[place] !== name) return;
    chunk.splice(place, 1);
    this.#size--;
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** The first `limit` names after `after`. */
  after(after: string, limit: number): string[] {
    const names: string[] = [];
    let at = this.#chunkOf(after);
    let place = placeOf(this.#chunks[at] as string[], after);
    if (this.#chunks[at]?.[place] === after) place++;
    for (; at < this.#chunks.length && names.length < limit; at++, place = 0) {
      names.push(...(this.#chunks[at] as string[]).slice(place, place + limit - names.length));
    }
    return names;
  }

  /** The last chunk that begins with `name` or before it, else the first. */
  #chunkOf(name: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#chunks[middle]?.[0] as string) <= name) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Index of the first name that is not before `name`. */
function placeOf(chunk: readonly string[], name: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunk[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
