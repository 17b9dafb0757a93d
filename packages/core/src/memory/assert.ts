/** States what has to hold unless this program is wrong. Faults of the world are `DanmakuError`s instead. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
