/** A command line, environment or configuration file that cannot be run. The command line prints it and exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Exit code of the process, as users of Unix commands expect for wrong usage. */
  static readonly exitCode = 2;
}
