/** What a benchmark is, and what it hands back. */

/** Numbers by name; a name ends in its unit (see `METRIC_UNITS`). */
export type Metrics = Readonly<Record<string, number>>;

/** One line of the result: a contestant under one load. */
export interface Run {
  readonly name: string;
  /** The load, so that the numbers can be judged and repeated. */
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly metrics: Metrics;
}

/** An option of a scenario, `--name VALUE` or, as a switch, `--name`. */
export interface Flag {
  readonly name: string;
  readonly kind: "number" | "text" | "switch";
  /** In the units the help states; a switch is off by default. */
  readonly default: number | string | false;
  readonly help: string;
}

/** What a scenario is run with. */
export interface Context {
  /** Measured seconds per run, over all its rounds. */
  readonly seconds: number;
  /** How often every run is measured, in turn with the others. */
  readonly rounds: number;
  number(flag: string): number;
  text(flag: string): string;
  switch(flag: string): boolean;
  /** A line for the person who waits. */
  say(line: string): void;
}

export interface Scenario {
  readonly name: string;
  /** One line for the help. */
  readonly summary: string;
  /** Paragraphs of Markdown for the page: what the runs are, what the figures mean. */
  readonly about?: string;
  /** Markdown for the page behind the table, where the figures have to be set beside others. */
  readonly besideTable?: (runs: readonly Run[]) => string;
  readonly flags: readonly Flag[];
  /** Where the defaults of `--seconds` and `--rounds` do not fit. */
  readonly defaults?: { readonly seconds: number; readonly rounds: number };
  /** What the terminal shows, where all of it would be too much: the load's parameters, then metrics. */
  readonly table?: { readonly params: readonly string[]; readonly metrics: readonly string[] };
  /** Measures; throws where what was moved does not arrive as it was sent. */
  run(context: Context): Promise<readonly Run[]>;
}

/** What a metric's name may end in. */
export const METRIC_UNITS = [
  "PerSecond",
  "PerCpuSecond",
  "PerRecord",
  "PerDelivery",
  "PerConnection",
  "PerTimer",
  "Ratio",
  "Ms",
  "Micros",
  "Ns",
  "Bytes",
  "MiB",
  "Count",
  "connections",
] as const;
