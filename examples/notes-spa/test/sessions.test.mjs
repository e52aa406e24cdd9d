// Devices, the password, and why a session ended.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { addNote, arrive, clean, logIn, open, PASSWORD, signUp } from "./stage.mjs";

let stage;
before(async () => (stage = await open()));
after(() => stage.close());

/** A second device of the same user. */
async function secondDevice(name) {
  const page = await stage.page({
    userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1",
  });
  await logIn(page, name);
  return page;
}

/** Has the page talk to the server again, as it does when one does something. */
async function touch(page) {
  await page.getByRole("link", { name: "Devices" }).click();
}

function banner(page, reason) {
  return page.locator(`#banner [data-reason=${reason}]`);
}

test("each device is in the list, and one of them is this one", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const phone = await secondDevice(name);
  await touch(page);
  const rows = page.getByRole("list", { name: "Devices" }).getByRole("listitem");
  await rows.nth(1).waitFor();
  assert.match(await rows.nth(0).innerText(), /Chrome on Linux\s*This device/);
  assert.equal(await rows.nth(0).getByRole("button").count(), 0);
  await page.getByRole("button", { name: "Log out Safari on iPhone" }).click();
  await page.getByText("Safari on iPhone is logged out.").waitFor();
  await rows.nth(1).waitFor({ state: "detached" });
  await touch(phone);
  await banner(phone, "ended_by_user").waitFor();
  await arrive(phone, "Log in");
  clean(page);
  clean(phone);
});

test("all other devices are logged out, or all", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const phone = await secondDevice(name);
  await touch(page);
  await page.getByRole("button", { name: "Log out all others" }).click();
  await page.getByText("The other device is logged out.").waitFor();
  await touch(phone);
  await banner(phone, "ended_by_user").or(banner(phone, "logout_everywhere")).waitFor();
  await logIn(phone, name);
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Log out everywhere" }).click();
  await arrive(page, "Log in");
  await touch(phone);
  await banner(phone, "logout_everywhere").waitFor();
});

test("a new password logs out the others and not this one", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const phone = await secondDevice(name);
  await page.getByRole("link", { name: "Password" }).click();
  await page.getByLabel("Current password").fill("a wrong password");
  await page.getByLabel("New password").fill("another long password");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("This is not your password.").waitFor();
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password is changed, and every other device is logged out.").waitFor();
  await page.getByRole("link", { name: "Notes", exact: true }).last().click();
  await addNote(page, "Still here");
  await touch(phone);
  await banner(phone, "password_changed").waitFor();
  await logIn(phone, name, "another long password");
  await banner(phone, "password_changed").getByRole("link", { name: "Change your password" }).click();
  await arrive(phone, "Password");
  clean(page);
});

test("what an administrator ends is explained", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  stage.relatch("user", "disable", name);
  await touch(page);
  await banner(page, "user_disabled").waitFor();
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").filter({ hasText: "This account is disabled." }).waitFor();
  clean(page);
});

test("a sentence that was begun before the session ended is there after the next login", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const phone = await secondDevice(name);
  await page.getByLabel("New note").fill("What I meant to say");
  await touch(phone);
  await phone.getByRole("button", { name: "Log out all others" }).click();
  await phone.getByText("is logged out.").waitFor();
  await page.getByRole("button", { name: "Add note" }).click();
  await arrive(page, "Log in");
  await logIn(page, name);
  await page.getByLabel("New note").waitFor();
  assert.equal(await page.getByLabel("New note").inputValue(), "What I meant to say");
});

test("another tab follows a logout and a login", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const tab = await page.context().newPage();
  await tab.goto("/devices");
  await arrive(tab, "Devices");
  await tab.getByRole("button", { name: "Log out everywhere" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await arrive(tab, "Log in");
  assert.equal(await tab.getByRole("dialog").count(), 0, "nobody is asked what has been answered");
  await banner(tab, "logout").waitFor();
  await logIn(page, name);
  await arrive(tab, "Devices");
  assert.equal(await banner(tab, "logout").count(), 0);
});

/** The server's own list of reasons. */
const REASONS = Array.from(
  readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8")
    .split("## Why a session ended")[1]
    .matchAll(/^\| `(\w+)` \|/gm),
  ([, reason]) => reason,
);

test("there are words for every reason that the server has", async () => {
  assert.ok(REASONS.length >= 14);
  const page = await stage.page();
  const titles = new Set();
  for (const reason of REASONS) {
    await ends(page, reason);
    await banner(page, reason).waitFor();
    titles.add(await banner(page, reason).getByRole("heading").textContent());
  }
  assert.ok(!titles.has("Your session has ended"), [...titles].join("\n"));
});

/** Lets the server end the session for a reason that cannot be had in a test, or not with a bound session. */
async function ends(page, reason) {
  await signUp(page);
  const problem = {
    code: "session_ended",
    status: 401,
    title: "Ended.",
    reason,
    ended_at: "2026-11-24T09:30:00Z",
  };
  await page.route(`${stage.issuer}/auth/refresh`, (route) => {
    const headers = {
      "Access-Control-Allow-Origin": stage.address,
      "Access-Control-Allow-Credentials": "true",
      "Content-Type": "application/problem+json",
    };
    if (route.request().method() === "OPTIONS") return route.continue();
    return route.fulfill({ status: 401, headers, body: JSON.stringify(problem) });
  });
  await page.reload();
  await arrive(page, "Log in");
  await page.unrouteAll();
}
