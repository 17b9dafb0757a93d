/**
 * How long tests wait before they give up, in milliseconds. Waits end as soon as their condition holds, so these only
 * bound how late a failure is reported; they are wide because test machines are shared and busy.
 */
export const PATIENCE = {
  /** One answer, one record, one state of a running node. */
  conditionMs: 30_000,
  /** A node from its start to the first ready answer, recovery of its log included. */
  nodeReadyMs: 60_000,
  /** A node from a polite signal to its exit (the contract allows it 30 s). */
  nodeExitMs: 40_000,
  /** A whole replay with everything that every viewer has to read. */
  bulkMs: 180_000,
} as const;

/** Time limit of one test that starts and stops nodes itself; above the sum of its waits. */
export const TEST_LIMIT_MS = 120_000;
