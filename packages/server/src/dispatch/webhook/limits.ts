/** Limits of the webhook, with their reasons. */

export const BATCH_DEFAULT = 100;
export const BATCH_MAX = 1_000;

/** An endpoint that takes longer is taken for hung, and asked again. */
export const TIMEOUT_MS_DEFAULT = 10_000;
export const TIMEOUT_MS_MIN = 100;
export const TIMEOUT_MS_MAX = 120_000;

/** Characters of an answer that are read for the log; the rest is not waited for. */
export const ANSWER_CHARS_MAX = 200;
