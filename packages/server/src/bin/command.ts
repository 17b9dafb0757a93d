/** What a subcommand's file exports as `command`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** Text of `--help`: usage, what it does, flags. */
  readonly help: () => string;
  /**
   * Runs to the end.
   * @returns the exit code.
   * @throws UsageError for wrong arguments.
   */
  readonly run: (argv: readonly string[]) => Promise<number>;
}

/** Exit codes of every subcommand, as is usual on Unix. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
