// A real browser for tests: Debian's chromium through playwright-core. Where there is none, tests skip.
import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium, type Page } from "playwright-core";

const executablePath = process.env.GNOMIC_CHROMIUM ?? "/usr/bin/chromium";

/** The reason to skip, or false. */
export const skipBrowser: string | false = existsSync(executablePath)
  ? false
  : `no ${executablePath}; set GNOMIC_CHROMIUM`;

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** What the page's console and scripts complained about, and where it asked for what, from now on. */
export function watch(page: Page) {
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  return { complaints, hosts };
}

/** A browser of its own with a page of this address, and what it complained about and asked for. */
export async function openPage(address: string) {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
    page.setDefaultTimeout(60_000);
    const seen = watch(page);
    await page.goto(address);
    return { browser, page, seen };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** Waits, but not for ever. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await holds()) return;
    await new Promise((wait) => setTimeout(wait, 100));
  }
  throw new Error(`never: ${holds}`);
}
