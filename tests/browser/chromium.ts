/** Debian's Chromium under playwright-core. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium } from "playwright-core";

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

/** A browser whose tabs and windows are hidden when others are in front, as those of a person are. */
export interface TabbedChromium {
  /** All its tabs are in here. */
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/**
 * Starts one. Browsers that Playwright has started tell every page that it is seen; one that it merely visits, with
 * `noDefaults`, does not.
 */
export async function launchTabbedChromium(): Promise<TabbedChromium> {
  const profile = mkdtempSync(join(tmpdir(), "danmakud-chromium-"));
  const child = Bun.spawn(
    [CHROMIUM, ...CHROMIUM_FLAGS, "--remote-debugging-port=0", `--user-data-dir=${profile}`],
    { stdout: "ignore", stderr: "pipe" },
  );
  const end = async (): Promise<void> => {
    child.kill();
    await child.exited;
    rmSync(profile, { recursive: true, force: true });
  };
  try {
    const browser = await chromium.connectOverCDP(await addressOf(child.stderr), { noDefaults: true });
    const [context] = browser.contexts();
    if (context === undefined) throw new Error("the browser has no context");
    return {
      context,
      close: async () => {
        await browser.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Where a browser that has been asked to says that it listens. */
async function addressOf(output: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output) {
    text += decoder.decode(chunk, { stream: true });
    const address = /^DevTools listening on (\S+)$/m.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`the browser ended without an address: ${text.slice(-500)}`);
}
