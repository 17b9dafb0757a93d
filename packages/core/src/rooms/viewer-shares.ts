/**
 * How many viewers of a room each gateway has: an array by gateway, of its life (0–255) in the upper 8 bits and its
 * viewers in the lower 24. A plain array and no object around it, since a node may have a million rooms open.
 */

const VIEWERS_BITS = 24;
const VIEWERS_MASK = (1 << VIEWERS_BITS) - 1;

/** Sets what a gateway has in this life of it; returns by how much that changes the sum. */
export function setShare(shares: number[], gateway: number, life: number, viewers: number): number {
  const before = (shares[gateway] ?? 0) & VIEWERS_MASK;
  shares[gateway] = (life << VIEWERS_BITS) | viewers;
  return viewers - before;
}

/** Takes back what a gateway had in a life of it that is over; returns by how much that changes the sum. */
export function takeBackShare(shares: number[], gateway: number, life: number): number {
  const share = shares[gateway] ?? 0;
  return share >>> VIEWERS_BITS === life ? setShare(shares, gateway, life, 0) : 0;
}
