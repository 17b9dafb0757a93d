export {
  type Flag,
  type FlagTable,
  flag,
  optionalFlag,
  readArguments,
  renderFlags,
  resolveFlags,
} from "./flags.ts";
export { SERVE_FLAGS } from "./serve-flags.ts";
export { isLoopbackHost, parseServe, type ServeOptions } from "./serve-options.ts";
export { UsageError } from "./usage-error.ts";
export type { ListenAddress } from "./values.ts";
