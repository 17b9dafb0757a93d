import type { Subprocess } from "bun";

const children = new Set<Subprocess>();
let hooked = false;

/**
 * Has a child killed when this process ends or is interrupted; forgets the child when it ends by itself. The test runner
 * ends without the event, so tests stop what they start.
 */
export function keepForCleanup(child: Subprocess): void {
  children.add(child);
  child.exited.finally(() => children.delete(child)).catch(() => {});
  if (hooked) return;
  hooked = true;
  process.once("exit", killChildren);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      killChildren();
      process.exit(1);
    });
  }
}

function killChildren(): void {
  for (const child of children) child.kill("SIGKILL");
}
