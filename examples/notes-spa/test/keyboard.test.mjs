// All of it without a mouse, and what a screen reader is told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { arrive, clean, open, PASSWORD } from "./stage.mjs";

let stage;
before(async () => (stage = await open()));
after(() => stage.close());

test("from signing up to deleting a note by keys alone", async () => {
  const page = await stage.page();
  const keys = keyboardOf(page);
  await page.goto("/login");
  await arrive(page, "Log in");
  await keys.to("Skip to content");
  await keys.to("Sign up");
  await page.keyboard.press("Enter");
  await arrive(page, "Sign up");
  assert.equal(await keys.focused(), "Sign up", "the heading of the new screen has the focus");
  await keys.to("Username");
  await page.keyboard.type("keys");
  await keys.to("E-mail");
  await page.keyboard.type("keys@example.com");
  await keys.to("Password");
  await page.keyboard.type(PASSWORD);
  await keys.to("Stay logged in");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await arrive(page, "Your notes");
  await page.getByLabel("New note").waitFor();
  assert.equal(await keys.focused(), "Your notes");
  await keys.to("New note");
  await page.keyboard.type("Milk");
  await keys.to("Add note");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Note added." }).waitFor();
  assert.equal(await keys.focused(), "New note", "one goes on writing");
  await keys.to("Change “Milk”");
  await page.keyboard.press("Enter");
  assert.equal(await keys.focused(), "Change the note");
  await page.keyboard.type(" and bread");
  await keys.to("Save");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Note changed." }).waitFor();
  assert.equal(await keys.focused(), "Change “Milk and bread”");
  await keys.to("Delete “Milk and bread”");
  await page.keyboard.press("Enter");
  assert.equal(await keys.focused(), "Keep it", "what does no harm has the focus");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "Note deleted." }).waitFor();
  assert.equal(await keys.focused(), "New note", "the focus is not lost with the note");
  clean(page);
});

test("whatever has the focus shows it", async () => {
  const page = await stage.page();
  await page.goto("/signup");
  await arrive(page, "Sign up");
  for (let steps = 0; steps < 9; steps++) {
    await page.keyboard.press("Tab");
    const { name, outline } = await page.evaluate(() => {
      const { activeElement: element } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return { name: element.outerHTML.slice(0, 80), outline: `${outlineStyle} ${outlineWidth}` };
    });
    assert.equal(outline, "solid 2px", name);
  }
});

test("the page has its landmarks, one heading of the first level, and a title for each screen", async () => {
  const page = await stage.page();
  await page.goto("/login");
  await arrive(page, "Log in");
  assert.equal(await page.title(), "Log in · Notes");
  assert.equal(await page.getByRole("main").count(), 1);
  assert.equal(await page.getByRole("banner").count(), 1);
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  assert.equal(await page.getByRole("navigation").count(), 0, "nothing leads where nobody may go");
  assert.equal(await page.getAttribute("html", "lang"), "en");
  await page.getByRole("link", { name: "Sign up" }).click();
  assert.equal(await page.title(), "Sign up · Notes");
  await page.goBack();
  await arrive(page, "Log in");
});

/** Moves by Tab to what is called so, and tells what has the focus. */
function keyboardOf(page) {
  const focused = () =>
    page.evaluate(() => {
      const { activeElement: element } = document;
      const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label");
      return (label ?? element.textContent).trim();
    });
  return {
    focused,
    async to(name) {
      for (let steps = 0; steps < 20; steps++) {
        await page.keyboard.press("Tab");
        if ((await focused()) === name) return;
      }
      assert.fail(`no Tab leads to “${name}”`);
    },
  };
}
