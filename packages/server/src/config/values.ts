/**
 * Schemas for settings. Each takes the text that a person wrote (flag, environment variable or YAML scalar) and gives
 * the typed value; a refusal says what would have been right.
 */

import { z } from "zod";
import { parseRedisUrl } from "../adapters/redis/redis-url.ts";

/** A setting's schema: text in, value out. */
export type ValueSchema<T> = z.ZodType<T, string>;

/** Where something listens. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const ON = ["on", "true", "yes", "1"];
const OFF = ["off", "false", "no", "0"];
const PORT_MAX = 65_535;

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A schema from a function that gives the value, or undefined to refuse. */
function text<T>(expected: string, read: (text: string) => T | undefined): ValueSchema<T> {
  return z.string().transform((input, context) => {
    const value = read(input.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: `must be ${expected}, not ${JSON.stringify(input)}` });
    return z.NEVER;
  });
}

/** A whole number from `min` to `max`, in decimal digits. */
export function integer(min: number, max: number): ValueSchema<number> {
  return text(`a whole number from ${min} to ${max}`, (input) => {
    if (!/^\d{1,15}$/.test(input)) return undefined;
    const value = Number(input);
    return value >= min && value <= max ? value : undefined;
  });
}

/** A number from `min` to `max`, fractions allowed. */
export function decimal(min: number, max: number): ValueSchema<number> {
  return text(`a number from ${min} to ${max}`, (input) => {
    if (!/^\d{1,15}(\.\d{1,15})?$/.test(input)) return undefined;
    const value = Number(input);
    return value >= min && value <= max ? value : undefined;
  });
}

/** A TCP port; 0 has the meaning that the flag's help gives it. */
export const port = (): ValueSchema<number> => integer(0, PORT_MAX);

/** A length of time in seconds: `600`, or with a unit, `90s`, `15m`, `12h`, `7d`. At least one second. */
export function seconds(max: number): ValueSchema<number> {
  return text(`seconds, or a number with s, m, h or d (1s to ${max}s)`, (input) => {
    const [, digits, unit = "s"] = /^(\d{1,12})([smhd])?$/.exec(input) ?? [];
    const value = Number(digits) * (SECONDS_PER_UNIT[unit] ?? Number.NaN);
    return value >= 1 && value <= max ? value : undefined;
  });
}

/** One of the given words. */
export function choice<const T extends string>(...words: readonly T[]): ValueSchema<T> {
  return text(`one of ${words.join(", ")}`, (input) => words.find((word) => word === input));
}

/** `on` or `off` (also true/false, yes/no, 1/0). */
export function onOff(): ValueSchema<boolean> {
  return text("on or off", (input) => {
    const word = input.toLowerCase();
    return ON.includes(word) ? true : OFF.includes(word) ? false : undefined;
  });
}

/** Any text that is not empty. */
export function words(expected = "a text that is not empty"): ValueSchema<string> {
  return text(expected, (input) => (input.length > 0 ? input : undefined));
}

/** A URL of one of the given schemes (`"https:"`). */
export function url(...schemes: readonly string[]): ValueSchema<string> {
  const expected = `a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`;
  return text(expected, (input) =>
    URL.canParse(input) && schemes.includes(new URL(input).protocol) ? input : undefined,
  );
}

/** The size of a picture, `1920x1080`. */
export function resolution(): ValueSchema<{ readonly width: number; readonly height: number }> {
  return text("a size such as 1920x1080 (each from 64 to 16384)", (input) => {
    const [, width = 0, height = 0] = (/^(\d{2,5})x(\d{2,5})$/i.exec(input) ?? []).map(Number);
    const fits = (pixels: number): boolean => pixels >= 64 && pixels <= 16_384;
    return fits(width) && fits(height) ? { width, height } : undefined;
  });
}

/** The address of a Redis service. */
export function redisUrl(): ValueSchema<string> {
  const expected =
    "redis://HOST, redis+sentinel://HOST,…/MASTER or redis+cluster://HOST,… (rediss for TLS), with ports as needed";
  return text(expected, (input) => {
    try {
      parseRedisUrl(input);
      return input;
    } catch {
      return undefined;
    }
  });
}

/** `HOST:PORT`, `[IPv6]:PORT`, a bare port on the loopback address, or `off` (null). */
export function listenAddress(): ValueSchema<ListenAddress | null> {
  return text<ListenAddress | null>("HOST:PORT or off", (input) => {
    if (OFF.includes(input.toLowerCase())) return null;
    const [, bracketed, plain, digits] =
      /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):)?(\d{1,5})$/.exec(input) ?? [];
    const number = Number(digits);
    if (digits === undefined || number > PORT_MAX) return undefined;
    return { host: bracketed ?? plain ?? "127.0.0.1", port: number };
  });
}

/** Web origins by commas: `https://a.example,https://b.example`, or `*`. */
export function origins(): ValueSchema<readonly string[]> {
  return text("origins such as https://example.com, by commas", (input) => {
    const list = input.split(",").map((origin) => origin.trim().replace(/\/$/, ""));
    const valid = (origin: string): boolean =>
      origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin.toLowerCase());
    return list.every(valid) ? list.map((origin) => origin.toLowerCase()) : undefined;
  });
}
