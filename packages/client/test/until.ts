/** Waits for a condition; a test that waits in vain is ended by the runner, with this line in its stack. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2);
}
