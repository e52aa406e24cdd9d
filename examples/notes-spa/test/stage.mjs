// What the tests stand on: the real server and the real notes API in processes of their own, and Chromium.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const root = file("../../..");
const built = join(root, process.env.CARGO_TARGET_DIR ?? "target", "debug");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const PASSWORD = "correct horse battery";

/** Hashing that costs nothing, and a disk that nobody waits for. */
const QUICK = {
  RELATCH_PASSWORD_MEMORY: "64KiB",
  RELATCH_PASSWORD_PASSES: "1",
  RELATCH_PASSWORD_ALLOW_WEAK: "true",
  RELATCH_STORE_SYNCHRONOUS: "off",
};

/** Starts all of it; `settings` are the server's, by the names of its environment. */
export async function open(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "notes-spa-"));
  const [server, api] = [await freePort(), await freePort()];
  const address = `http://127.0.0.1:${api}`;
  const environment = {
    ...QUICK,
    RELATCH_SERVER_DATA_DIR: folder,
    RELATCH_SERVER_LISTEN: `127.0.0.1:${server}`,
    RELATCH_BROWSER_ORIGINS: address,
    ...settings,
  };
  const relatch = (...words) =>
    execFileSync(join(built, "relatch"), words, { env: environment, encoding: "utf8" });
  const processes = [
    await start("relatch", ["serve", "--config", file("../relatch.toml")], "listening on ", environment),
  ];
  relatch("role", "put", "writer", "notes:*");
  relatch("role", "put", "reader", "notes:read");
  const options = ["--issuer", `http://127.0.0.1:${server}`, "--listen", `127.0.0.1:${api}`];
  const files = ["--file", join(folder, "notes.db"), "--app", file("../dist")];
  processes.push(await start("notes", [...options, ...files], "Notes are at ", {}));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  return {
    address,
    issuer: `http://127.0.0.1:${server}`,
    relatch,
    browser,
    /** A fresh profile with a page in it. */
    async page(options = {}) {
      const context = await browser.newContext({ baseURL: address, ...options });
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      watch(page);
      return page;
    },
    async close() {
      await browser.close();
      for (const child of processes.reverse()) await end(child);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Starts one, and waits until it says that it is ready. */
async function start(name, words, ready, environment) {
  const child = spawn(join(built, name), words, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  // Whatever becomes of the tests, nothing is left running.
  process.once("exit", () => child.kill());
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.on("data", (text) => (said += text));
  for (let tries = 0; !said.includes(ready); tries++) {
    assert.ok(child.exitCode === null && tries < 400, `${name} did not start:\n${said}`);
    await setTimeout(50);
  }
  return child;
}

function end(child) {
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.kill();
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** What the page did that it must not: errors of scripts, and breaches of its own policy. */
const trouble = new WeakMap();

function watch(page) {
  const seen = [];
  trouble.set(page, seen);
  page.on("pageerror", (error) => seen.push(String(error)));
  page.on(
    "console",
    (line) => /Content Security Policy|Trusted/i.test(line.text()) && seen.push(line.text()),
  );
}

/** Fails if the page did anything that it must not, and forgets it. */
export function clean(page) {
  assert.deepEqual(trouble.get(page).splice(0), []);
}

/** No violation of any rule of axe-core. */
export async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  const told = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
  );
  assert.deepEqual(told, [], what);
  assert.ok(passes.length > 10, `${what}: axe looked at nothing`);
}

/** The heading of what is shown, once it is this. */
export async function arrive(page, heading) {
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
}

let made = 0;

/** Somebody new, logged in. */
export async function signUp(page, { username = `user${++made}`, remember = false } = {}) {
  await page.goto("/signup");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("E-mail").fill(`${username}@example.com`);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  if (remember) await page.getByLabel("Stay logged in").check();
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByLabel("New note").waitFor();
  return username;
}

/** Logs in from scratch, or on the page that is there already. */
export async function logIn(page, username, password = PASSWORD) {
  if (!page.url().endsWith("/login")) await page.goto("/login");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Log out", exact: true }).waitFor();
}

export async function addNote(page, text) {
  await page.getByLabel("New note").fill(text);
  await page.getByRole("button", { name: "Add note" }).click();
  await card(page, text.split("\n")[0]).waitFor();
}

export function card(page, text) {
  return page.getByRole("listitem").filter({ has: page.getByText(text, { exact: true }) });
}
