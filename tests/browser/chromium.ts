/** Debian's Chromium under playwright-core. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Executable; another one by the environment variable of the same name. */
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Headless, without a GPU, and quiet: no request of the browser's own. */
export const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
] as const;

export const hasChromium = existsSync(CHROMIUM);
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS] });
}
