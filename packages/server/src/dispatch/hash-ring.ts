/**
 * Which worker has which slot: a consistent-hash ring with virtual nodes (Karger et al., "Consistent Hashing and Random
 * Trees", 1997). Every worker computes the same from the same list, so nobody has to hand out slots; a worker that comes
 * or goes moves about its own share, 1/n, and nothing between the others.
 */
import { RING_PLACES_PER_WORKER } from "./limits.ts";

/**
 * The owner of every slot, by index.
 * @param workers names, in any order; none = no slot has an owner.
 */
export function assignSlots(
  workers: readonly string[],
  slots: number,
  placesPerWorker = RING_PLACES_PER_WORKER,
): readonly (string | undefined)[] {
  const ring = placesOf(workers, placesPerWorker);
  return Array.from({ length: slots }, (_, slot) => ownerAt(ring, hash32(`slot-${slot}`)));
}

interface Place {
  readonly at: number;
  readonly worker: string;
}

function placesOf(workers: readonly string[], perWorker: number): readonly Place[] {
  const places: Place[] = [];
  for (const worker of new Set(workers)) {
    for (let place = 0; place < perWorker; place++) places.push({ at: hash32(`${worker}#${place}`), worker });
  }
  // Two places may fall together: the name decides, so that all workers see the same ring.
  return places.sort((a, b) => a.at - b.at || (a.worker < b.worker ? -1 : 1));
}

/** The first place at or behind the point, around the end to the first. */
function ownerAt(ring: readonly Place[], point: number): string | undefined {
  let low = 0;
  let high = ring.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ring[middle]?.at ?? 0) < point) low = middle + 1;
    else high = middle;
  }
  return (ring[low] ?? ring[0])?.worker;
}

/** FNV-1a over UTF-16 units, with the finalizer of MurmurHash3: FNV alone leaves names that differ at the end close. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
