// Debian's Chromium, driven by playwright-core: tabs that share a profile, each with a client in `window.client`.
import { chromium } from "playwright-core";

/** Where Debian puts it; another one by `CHROMIUM`. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const settings = {
  executablePath,
  // Tests run as root in containers, where there is no sandbox, and tabs in the background must not be slowed.
  args: ["--no-sandbox", "--disable-background-timer-throttling", "--disable-renderer-backgrounding"],
};

/** Starts it. */
export const startChromium = () => chromium.launch(settings);

/** Starts one of its own on a folder, where what sites keep outlives its closing. */
export const startProfile = (folder) => chromium.launchPersistentContext(folder, settings);

/** Takes Web Locks away from every page of a profile. */
export const withoutLocks = (context) =>
  context.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));

/** Opens a tab with a client; `options` are those of `createClient` that can be written down. */
export async function openTab(context, address, options) {
  const page = await context.newPage();
  await page.goto(address);
  await makeClient(page, options);
  return page;
}

/** Makes the client of a page, as its app would. What the page's log gets to see is kept in `window.states`. */
export async function makeClient(page, options) {
  await page.evaluate(async (options) => {
    const relatch = await import("/relatch/index.js");
    window.RelatchError = relatch.RelatchError;
    window.client = relatch.createClient(options);
    window.states = [];
    window.client.subscribe((state) => window.states.push(state));
  }, options);
}
