/** A data folder held by this process until `release`, or until the process ends in whatever way. */
export interface FolderLock {
  readonly dir: string;
  /** Lets go of the folder. Harmless when called again. */
  release(): void;
}

/** Stub. */
export function lockFolder(dir: string): FolderLock {
  throw new Error(`not yet: ${dir}`);
}
