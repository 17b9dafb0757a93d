import type { Scenario } from "./harness/scenario.ts";
import { parseRates } from "./load/rates.ts";
import { measure } from "./load/session.ts";
import { type LoadCell, measureLoads } from "./load/turns.ts";
import { danmakudTarget } from "./peers/danmakud.ts";

const ENCODINGS = ["json", "tlv"] as const;

/** Compressed frames beside plain ones, in both encodings. */
export const compression: Scenario = {
  name: "compression",
  summary: "bytes on the wire and CPU per delivery for viewers with ?compress=deflate, beside plain ones",
  about: `All viewers of a run ask for the same. The danmaku are those of the recording that comes with the server, each by another of
50,000 writers, in a loop; one in twenty is 64 bytes of ASCII that carry the time instead. \`deliveryBytes\`: all that was
received, headers of frames included, per danmaku. \`bytesOfPlainRatio\`: against the plain run of the same encoding and rate.
A frame is compressed once and shared by all viewers at the same place; frames under 256 bytes come as they are.`,
  defaults: { seconds: 1.5, rounds: 1 },
  flags: [
    { name: "viewers", kind: "number", default: 1000, help: "viewers of the one room" },
    { name: "rates", kind: "text", default: "100,1000,4000", help: "danmaku per second, by commas" },
    { name: "warm-up", kind: "number", default: 1, help: "seconds of the load before each measurement" },
  ],
  table: {
    params: ["compress", "viewers", "rate"],
    metrics: [
      "deliveryBytes",
      "bytesOfPlainRatio",
      "cpuMicrosPerDelivery",
      "cpuOfPlainRatio",
      "latencyP50Ms",
      "latencyP99Ms",
      "framesPerSecond",
      "deliveredRatio",
      "loadBusyRatio",
      "foreignBusyRatio",
    ],
  },
  async run(context) {
    const cells: LoadCell[] = [];
    for (const rate of parseRates(context.text("rates"))) {
      for (const encoding of ENCODINGS) {
        for (const compress of [false, true]) {
          const target = danmakudTarget({}, { encoding, compress, text: "comments" });
          const viewers = context.number("viewers");
          cells.push({
            name: encoding,
            params: { compress: compress ? "deflate" : "none", viewers, rate },
            measure: async (seconds) => ({
              measured: await measure(target, {
                viewers,
                ratePerSecond: rate,
                seconds,
                warmUpSeconds: context.number("warm-up"),
                tickMicros: 1000,
                probes: 20,
                pauseMicros: 500,
                processes: 1,
              }),
            }),
          });
        }
      }
    }
    const runs = await measureLoads(context, cells);
    return runs.map((run, at) => {
      // A plain run stands before its compressed one.
      const plain = runs[at - 1];
      if (run.params.compress === "none" || plain === undefined) return run;
      const ratio = (metric: string): number => (run.metrics[metric] ?? 0) / (plain.metrics[metric] ?? 1);
      const metrics = {
        bytesOfPlainRatio: ratio("deliveryBytes"),
        cpuOfPlainRatio: ratio("cpuMicrosPerDelivery"),
      };
      return { ...run, metrics: { ...run.metrics, ...metrics } };
    });
  },
};
