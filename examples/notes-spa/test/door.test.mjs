// In and out: sign up, log in, log out, and a page that is loaded anew.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { arrive, clean, logIn, open, PASSWORD, signUp } from "./stage.mjs";

let stage;
before(async () => (stage = await open()));
after(() => stage.close());

test("one signs up, stays in when the page is loaded anew, logs out and in again", async () => {
  const page = await stage.page();
  await page.goto("/");
  await arrive(page, "Log in");
  assert.equal(new URL(page.url()).pathname, "/login");
  await page.getByRole("link", { name: "Sign up" }).click();
  await arrive(page, "Sign up");
  const name = await signUp(page);
  await page.reload();
  await page.getByLabel("New note").waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await arrive(page, "Log in");
  assert.equal(await page.locator("#banner .banner").count(), 0, "whoever logs out knows why");
  await page.reload();
  await arrive(page, "Log in");
  await logIn(page, name);
  clean(page);
});

test("where one wanted to go is where one comes after the login", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  await page.getByRole("button", { name: "Log out" }).click();
  await arrive(page, "Log in");
  await page.goto("/devices");
  await arrive(page, "Log in");
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await arrive(page, "Devices");
});

test("only who asks for it stays logged in when the browser is closed", async () => {
  for (const remember of [true, false]) {
    const page = await stage.page();
    await signUp(page, { remember });
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === "relatch_refresh_dev");
    assert.ok(cookie.httpOnly);
    assert.equal(cookie.sameSite, "Strict");
    assert.equal(cookie.expires > 0, remember);
  }
});

test("each fault is said at its field, and the focus is there", async () => {
  const page = await stage.page();
  await page.goto("/signup");
  await page.getByRole("button", { name: "Sign up" }).click();
  const username = page.getByLabel("Username");
  assert.equal(await username.evaluate((input) => input === document.activeElement), true);
  assert.match(await described(username), /Enter your username\./);
  await username.fill("x".repeat(300));
  await page.getByLabel("E-mail").fill("nowhere");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.locator("[name=password][aria-invalid]").waitFor();
  assert.equal(await page.locator("[aria-invalid]").count(), 3);
  assert.match(await described(page.getByLabel("Password", { exact: true })), /At least 8 characters/);
  clean(page);
});

test("a wrong password and a name that is taken are said in words", async () => {
  const page = await stage.page();
  const name = await signUp(page);
  const other = await stage.page();
  await other.goto("/login");
  await other.getByLabel("Username").fill(name);
  await other.getByLabel("Password", { exact: true }).fill("a wrong password");
  await other.getByRole("button", { name: "Log in" }).click();
  await other.getByRole("alert").filter({ hasText: "The username or the password is wrong." }).waitFor();
  await other.getByRole("link", { name: "Sign up" }).click();
  await other.getByLabel("Username").fill(name.toUpperCase());
  await other.getByLabel("E-mail").fill("other@example.com");
  await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.getByRole("button", { name: "Sign up" }).click();
  await other.getByText("Somebody has that username.").waitFor();
});

test("password managers know every field", async () => {
  const page = await stage.page();
  const fields = () =>
    page.locator("input[autocomplete]").evaluateAll((inputs) => inputs.map((input) => input.autocomplete));
  await page.goto("/login");
  await arrive(page, "Log in");
  assert.deepEqual(await fields(), ["username", "current-password"]);
  await page.goto("/signup");
  await arrive(page, "Sign up");
  assert.deepEqual(await fields(), ["username", "email", "new-password"]);
  await signUp(page);
  await page.goto("/password");
  await arrive(page, "Password");
  assert.deepEqual((await fields()).toSorted(), ["current-password", "new-password", "username"]);
});

function described(input) {
  return input.evaluate((input) =>
    input
      .getAttribute("aria-describedby")
      .split(" ")
      .map((id) => document.getElementById(id).textContent)
      .join(" "),
  );
}
