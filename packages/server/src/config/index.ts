export { DISPATCH_FLAGS } from "./dispatch-flags.ts";
export { type DispatchOptions, parseDispatch } from "./dispatch-options.ts";
export {
  type Flag,
  type FlagTable,
  type FlagValues,
  flag,
  optionalFlag,
  readArguments,
  readEnvironment,
  renderFlags,
  resolveFlags,
} from "./flags.ts";
export { SERVE_FLAGS } from "./serve-flags.ts";
export { isLoopbackHost, parseServe, type ServeOptions } from "./serve-options.ts";
export { UsageError } from "./usage-error.ts";
export type { ListenAddress } from "./values.ts";
