/** One contestant in a process of its own, so that memory and timers of the others do not touch it. NAME SECONDS. */
import { measureSetTimeout } from "./measure-set-timeout.ts";
import { measureTimers } from "./measure-timers.ts";
import { heapTimers, wheelTimers } from "./timers.ts";

const [name, seconds] = process.argv.slice(2);
const metrics =
  name === "setTimeout"
    ? await measureSetTimeout(Number(seconds))
    : measureTimers(name === "wheel" ? wheelTimers : heapTimers, Number(seconds));
process.stdout.write(JSON.stringify(metrics));
process.exit(0);
