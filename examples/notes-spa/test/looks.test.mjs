// Every screen, on a phone and on a desk, light and dark: axe-core finds nothing, nothing moves by itself, and a picture of each
// goes into a folder (`SCREENSHOTS`, or a temporary one that is named at the end).

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, addNote, arrive, card, clean, logIn, open, PASSWORD, signUp } from "./stage.mjs";

const folder = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "notes-spa-looks-"));
mkdirSync(folder, { recursive: true });

const NOTES = [
  "Passport expires in March",
  "A quotation to keep\n\nThe years teach much which the days never know.",
  "Read\nMiddlemarch, as far as chapter 12",
  "Call the plumber\nThe kitchen tap drips again. He said mornings are best, before nine. His number is on the fridge, under the magnet.",
  "Milk, eggs, bread",
];

const SIZES = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desk: { viewport: { width: 1280, height: 860 } },
};

let stage;
before(async () => (stage = await open()));
after(async () => {
  await stage.close();
  console.log(`the pictures are in ${folder}`);
});

for (const [size, options] of Object.entries(SIZES))
  for (const colorScheme of ["light", "dark"])
    test(`every screen, ${size}, ${colorScheme}`, async () => {
      const page = await stage.page({ ...options, colorScheme, reducedMotion: "reduce" });
      await page.addInitScript(watchShifts);
      await show(page, async (name) => {
        await accessible(page, name);
        await page.screenshot({ path: join(folder, `${name}-${options.viewport.width}-${colorScheme}.png`) });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.ok(!wide, `${name} is wider than the screen`);
        assert.deepEqual(
          await page.evaluate(() => globalThis.shifts.splice(0)),
          [],
          `${name} moves by itself`,
        );
      });
      clean(page);
      await page.context().close();
    });

/** Goes through all of it. */
async function show(page, taken) {
  await page.goto("/login");
  await arrive(page, "Log in");
  await taken("log-in");
  await page.getByRole("button", { name: "Log in" }).click();
  await taken("log-in-faults");
  await page.getByRole("link", { name: "Sign up" }).click();
  await arrive(page, "Sign up");
  await taken("sign-up");
  const name = await signUp(page);
  await taken("notes-none");
  for (const note of NOTES.toReversed()) await addNote(page, note);
  await page.reload();
  await card(page, NOTES[0]).waitFor();
  await taken("notes");
  await page.getByRole("button", { name: "Change “Read”" }).click();
  await taken("notes-change");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Delete “Read”" }).click();
  await taken("notes-delete");
  await page.keyboard.press("Escape");
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await taken("offline");
  await page.context().setOffline(false);
  await showDevices(page, name, taken);
  await page.getByRole("link", { name: "Password" }).click();
  await arrive(page, "Password");
  await taken("password");
  await page.goto("/nowhere");
  await arrive(page, "There is nothing here");
  await taken("nowhere");
  await showRights(page, name, taken);
  await showEnds(page, name, taken);
}

async function showDevices(page, name, taken) {
  for (const userAgent of [
    "Mozilla/5.0 (Linux; Android 16) Chrome/140",
    "Mozilla/5.0 (Macintosh; Mac OS X) Safari/605",
  ]) {
    const other = await stage.page({ userAgent });
    await logIn(other, name);
    await other.context().close();
  }
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByRole("button", { name: "Log out all others" }).waitFor();
  await taken("devices");
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await taken("devices-everywhere");
  await page.keyboard.press("Escape");
}

async function showRights(page, name, taken) {
  stage.relatch("user", "roles", name, "--set", "reader");
  await page.goto("/");
  await card(page, NOTES[0]).waitFor();
  const refused = {
    status: 403,
    headers: { "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="notes:create"' },
  };
  await page.route(
    "**/permissions",
    (route) => route.fulfill({ json: { notes: ["create", "read"], "all-notes": [] } }),
    { times: 1 },
  );
  await page.route("**/notes", (route) =>
    route.request().method() === "POST" ? route.fulfill(refused) : route.fallback(),
  );
  await page.reload();
  await page.getByLabel("New note").fill("Not for me");
  await page.getByRole("button", { name: "Add note" }).click();
  await page.getByText("You may not add notes.").waitFor();
  await taken("notes-refused");
  await page.unrouteAll();
}

async function showEnds(page, name, taken) {
  for (const reason of ["reuse", "idle"]) {
    const problem = {
      code: "session_ended",
      status: 401,
      title: "",
      reason,
      ended_at: new Date().toISOString(),
    };
    const headers = {
      "Access-Control-Allow-Origin": stage.address,
      "Access-Control-Allow-Credentials": "true",
    };
    await page.route(`${stage.issuer}/auth/refresh`, (route) =>
      route.request().method() === "POST"
        ? route.fulfill({ status: 401, headers, json: problem })
        : route.fallback(),
    );
    await page.goto("/");
    await page.locator(`[data-reason=${reason}]`).waitFor();
    await taken(`ended-${reason}`);
    await page.unrouteAll();
    await logIn(page, name, PASSWORD);
    if (reason === "reuse") await taken("ended-reuse-and-in-again");
  }
  await page.route("**/oauth-protected-resource", (route) => route.abort());
  await page.reload();
  await arrive(page, "No answer");
  await taken("no-answer");
  await page.unrouteAll();
}

/** Runs in the page: what moved before anybody did anything. What somebody does moves things, late on a slow machine. */
function watchShifts() {
  globalThis.shifts = [];
  let touched = false;
  for (const event of ["pointerdown", "keydown", "input"])
    addEventListener(event, () => (touched = true), true);
  const tell = ({ value, sources }) =>
    `${value} ${sources.map(({ node }) => node?.outerHTML?.slice(0, 80)).join(" | ")}`;
  new PerformanceObserver((list) => {
    if (!touched) globalThis.shifts.push(...list.getEntries().map(tell));
  }).observe({ type: "layout-shift", buffered: true });
}
