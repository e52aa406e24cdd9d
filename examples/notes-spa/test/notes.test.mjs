// Notes, by what one may do with them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { addNote, arrive, card, clean, open, signUp } from "./stage.mjs";

let stage;
before(async () => (stage = await open()));
after(() => stage.close());

test("a note from its beginning to its end", async () => {
  const page = await stage.page();
  await signUp(page);
  await page.getByText("Nothing here yet.").waitFor();
  await addNote(page, "Milk\nand bread");
  await addNote(page, "Call the plumber");
  await page.reload();
  const first = page.getByRole("listitem").first();
  await first.waitFor();
  assert.match(await first.innerText(), /Call the plumber/, "the newest is the first");
  await page.getByRole("button", { name: "Change “Milk”" }).click();
  await page.getByLabel("Change the note").fill("Oat milk");
  await page.getByRole("button", { name: "Save" }).click();
  await card(page, "Oat milk").waitFor();
  await page.getByRole("button", { name: "Delete “Oat milk”" }).click();
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByRole("button", { name: "Delete “Oat milk”" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await card(page, "Oat milk").waitFor({ state: "detached" });
  await page.reload();
  await card(page, "Call the plumber").waitFor();
  assert.equal(await page.getByRole("listitem").count(), 1);
  clean(page);
});

test("a note is text, whatever stands in it", async () => {
  const page = await stage.page();
  await signUp(page);
  const text = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>";
  await addNote(page, text);
  assert.equal(await page.locator("#screen img, #screen script").count(), 0);
  assert.equal(await page.title(), "Notes · Notes");
  clean(page);
});

test("what one may not do is not offered", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  await addNote(page, "Milk");
  stage.relatch("user", "roles", name, "--set", "reader", "--at-once");
  await page.reload();
  await card(page, "Milk").waitFor();
  assert.equal(await page.getByLabel("New note").count(), 0);
  assert.equal(await page.locator("#screen button").count(), 0);
  stage.relatch("user", "roles", name, "--at-once", "--set", "");
  await page.reload();
  await page.getByText("Your account has no role that permits notes yet.").waitFor();
  clean(page);
});

test("a right that was taken away meanwhile is said where it was wanted, and offered no longer", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  await addNote(page, "Milk");
  stage.relatch("user", "roles", name, "--set", "reader", "--at-once");
  // The API is told within a second.
  await setTimeout(1500);
  await page.getByRole("button", { name: "Delete “Milk”" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alert").filter({ hasText: "You may not delete notes." }).waitFor();
  await card(page, "Milk").waitFor();
  assert.equal(await page.locator("#screen button").count(), 0);
  clean(page);
});

test("without a network the page says so, loses no word, and goes on by itself", async () => {
  const page = await stage.page();
  await signUp(page);
  await addNote(page, "Milk");
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor();
  await page.getByLabel("New note").fill("Bread");
  await page.getByRole("button", { name: "Change “Milk”" }).click();
  await page.getByLabel("Change the note").fill("Oat milk");
  await page.getByRole("button", { name: "Add note" }).click();
  await page.getByRole("alert").filter({ hasText: "The server cannot be reached." }).waitFor();
  assert.equal(await page.getByLabel("New note").inputValue(), "Bread");
  await page.context().setOffline(false);
  await page.getByText("You are back online.").waitFor();
  assert.equal(await page.getByText("You are offline.").count(), 0);
  assert.equal(await page.getByLabel("Change the note").inputValue(), "Oat milk");
  await page.getByRole("button", { name: "Add note" }).click();
  await card(page, "Bread").waitFor();
  clean(page);
});

test("a server that does not answer is no end: the page goes on when it does", async () => {
  const page = await stage.page();
  await signUp(page);
  await page.route(`${stage.issuer}/**`, (route) => route.abort());
  await page.reload();
  await page.getByRole("status").filter({ hasText: "The server does not answer yet." }).waitFor();
  await page.unrouteAll();
  await page.getByLabel("New note").waitFor();
});

test("whoever waits no longer is offered to try again", async () => {
  const page = await stage.page();
  await signUp(page);
  await page.route("**/oauth-protected-resource", (route) => route.abort());
  await page.reload();
  await arrive(page, "No answer");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByLabel("New note").waitFor();
});
