/**
 * Calls back when the network is there again, or the tab is shown again: moments at which waiting makes no sense and a
 * connection that looks alive may be dead. Does nothing in runtimes without such events.
 * @returns a function that stops.
 */
export function onWake(wake: () => void): () => void {
  const { addEventListener, removeEventListener, document } = globalThis as Partial<typeof globalThis>;
  const shown = (): void => {
    if (!document?.hidden) wake();
  };
  addEventListener?.("online", wake);
  document?.addEventListener("visibilitychange", shown);
  return () => {
    removeEventListener?.("online", wake);
    document?.removeEventListener("visibilitychange", shown);
  };
}
