// A login that is too long ago for ending other sessions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { accessible, clean, logIn, open, PASSWORD, signUp } from "./stage.mjs";

let stage;
before(async () => (stage = await open({ RELATCH_SESSION_REAUTH_WITHIN: "5s" })));
after(() => stage.close());

test("the password is asked for again before devices are logged out", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const phone = await stage.page();
  await logIn(phone, name);
  await setTimeout(5500);
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByRole("button", { name: "Log out all others" }).click();
  const dialog = page.getByRole("dialog", { name: "Is it you?" });
  await dialog.waitFor();
  await accessible(page, "the question for the password");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await page.getByRole("list", { name: "Devices" }).getByRole("listitem").count(), 2);
  await page.getByRole("button", { name: "Log out all others" }).click();
  await dialog.getByLabel("Password", { exact: true }).fill("a wrong password");
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await dialog.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
  await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByText("The other device is logged out.").waitFor();
  assert.equal(await page.getByRole("list", { name: "Devices" }).getByRole("listitem").count(), 1);
  clean(page);
});
