// What the page lets nobody do: run a script of its own, be put into a frame, read the login.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { addNote, clean, open, signUp } from "./stage.mjs";

let stage;
before(async () => (stage = await open()));
after(() => stage.close());

test("code in the page itself does not run, whatever got it there", async () => {
  const page = await stage.page();
  await page.route("**/login", async (route) => {
    const response = await route.fetch();
    const bad = "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\">";
    await route.fulfill({
      response,
      body: (await response.text()).replace("<main", `${bad}<main style="color: red"`),
    });
  });
  await page.addInitScript(() => {
    globalThis.refused = [];
    const listen = ({ effectiveDirective }) => globalThis.refused.push(effectiveDirective);
    addEventListener("securitypolicyviolation", listen);
  });
  await page.goto("/login");
  await page.getByLabel("Username").waitFor();
  assert.equal(await page.title(), "Log in · Notes");
  const refused = await page.evaluate(() => globalThis.refused);
  for (const directive of ["script-src-elem", "script-src-attr", "style-src-attr"])
    assert.ok(refused.includes(directive), `${directive} in ${refused}`);
});

test("a script makes no markup of text, and speaks to nobody else", async () => {
  const page = await stage.page();
  await signUp(page);
  clean(page);
  const refused = await page.evaluate(async () => {
    const seen = [];
    const listen = ({ effectiveDirective }) => seen.push(effectiveDirective);
    document.addEventListener("securitypolicyviolation", listen);
    try {
      document.body.innerHTML = "<img src=x>";
    } catch (error) {
      seen.push(error.name);
    }
    const foreign = document.createElement("link");
    foreign.rel = "stylesheet";
    foreign.href = "https://example.com/style.css";
    document.head.append(foreign);
    await fetch("https://example.com/").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    return seen;
  });
  for (const what of ["TypeError", "require-trusted-types-for", "style-src-elem", "connect-src"])
    assert.ok(refused.includes(what), `${what} in ${refused}`);
});

test("no other page has it in a frame", async (context) => {
  const page = await stage.page();
  const host = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<iframe src="${stage.address}/login"></iframe>`);
  }).listen(0, "127.0.0.1");
  context.after(() => host.close());
  await once(host, "listening");
  const framed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/login"));
  await page.goto(`http://127.0.0.1:${host.address().port}/`);
  assert.equal((await framed).failure().errorText, "net::ERR_BLOCKED_BY_RESPONSE");
});

test("an access token is good only together with the key of this browser", async () => {
  const page = await stage.page();
  const asked = [];
  page.on("request", (request) => request.url().startsWith(stage.address) && asked.push(request.headers()));
  await signUp(page);
  const [bound] = asked.filter(({ authorization }) => authorization);
  assert.match(bound.authorization, /^DPoP /);
  assert.ok(bound.dpop);
  const [, token] = bound.authorization.split(" ");
  for (const headers of [
    { Authorization: `Bearer ${token}` },
    { Authorization: `DPoP ${token}`, DPoP: bound.dpop },
  ]) {
    const { status } = await fetch(`${stage.address}/permissions`, { headers });
    assert.equal(status, 401, "a token without a proof, and a proof for the second time");
  }
});

test("nothing that a script can read is a refresh token", async () => {
  const page = await stage.page();
  const answers = [];
  page.on("response", async (response) => answers.push(await response.text().catch(() => "")));
  await signUp(page);
  await addNote(page, "Milk");
  await page.reload();
  await page.getByLabel("New note").waitFor();
  const kept = await page.evaluate(
    () => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie,
  );
  assert.ok(answers.length > 10);
  for (const text of [...answers, kept]) assert.ok(!text.includes("relatch_rt_"));
  assert.ok((await page.context().cookies()).some(({ value }) => value.startsWith("relatch_rt_")));
  clean(page);
});
