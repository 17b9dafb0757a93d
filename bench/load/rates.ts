import { UsageError } from "../harness/arguments.ts";

/** `500,2000` as numbers above 0. */
export function parseRates(text: string, flag = "--rates"): readonly number[] {
  const rates = text.split(",").map(Number);
  if (rates.some((rate) => !(rate > 0))) throw new UsageError(`${flag} are numbers above 0, by commas`);
  return rates;
}
