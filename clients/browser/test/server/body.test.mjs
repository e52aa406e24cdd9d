// Body mode in Node, against the real server: no cookies and no other tabs, but real keys, proofs and answers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient, memoryStorage, RelatchError } from "../../dist/index.js";
import { somebody } from "../harness/relatch.mjs";
import { startWorld } from "../harness/world.mjs";

describe("the real server", () => {
  let world;
  before(async () => {
    world = await startWorld({ "session.access_lifetime": "2s" });
  });
  after(() => world?.stop());

  const client = (options) => createClient({ issuer: world.issuer, delivery: "body", ...options });
  const me = (client) => client.fetch(`${world.issuer}/auth/me`);

  for (const bound of [true, false]) {
    describe(bound ? "bound" : "bearer", () => {
      test("registers again where somebody was logged in before", async () => {
        const one = client({ bound });
        await one.register(somebody());
        await one.logout();
        const other = somebody();
        assert.equal((await one.register(other)).username, other.username);
      });

      test("registers, turns, changes the password, lists and ends devices, logs out", async () => {
        const person = somebody();
        const storage = memoryStorage();
        const first = client({ bound, storage });
        const user = await first.register({ ...person, device: "first", rememberMe: true });
        assert.equal(user.username, person.username);
        assert.ok(user.createdAt instanceof Date);

        const { token } = await storage.change((record) => record);
        await new Promise((resolve) => setTimeout(resolve, 2100));
        assert.equal((await me(first)).status, 200);
        assert.notEqual((await storage.change((record) => record)).token, token);

        const second = client({ bound });
        await second.login({ ...person, device: "second" });
        const devices = await first.sessions.list();
        assert.deepEqual(devices.map(({ device }) => device).sort(), ["first", "second"]);
        assert.equal(devices.find(({ current }) => current).device, "first");
        assert.ok(devices[0].lastUsedAt instanceof Date);

        await first.reauthenticate({ password: person.password });
        await first.sessions.endOthers();
        await assert.rejects(second.sessions.list(), (error) => {
          assert.ok(error instanceof RelatchError);
          assert.equal(error.code, "session_ended");
          assert.equal(error.ended.reason, "logout_everywhere");
          return true;
        });
        assert.equal(second.state.status, "out");

        const wrong = first.changePassword({ oldPassword: "not this one", newPassword: "x" });
        await assert.rejects(wrong, { code: /invalid_credentials|invalid_request/ });
        await first.changePassword({
          oldPassword: person.password,
          newPassword: "another password, as long",
        });
        assert.equal((await me(first)).status, 200);

        assert.equal(await first.logout(), true);
        assert.equal((await me(first)).status, 401);
        assert.equal((await storage.change((record) => record)).token, undefined);
        assert.equal(await first.user(), null);
      });

      test("survives lost answers", async () => {
        const person = somebody();
        const lossy = client({ bound });
        await lossy.register(person);
        for (const fate of ["lose-answer", "lose-request", "reset"]) {
          await new Promise((resolve) => setTimeout(resolve, 2000));
          world.proxy.plan(({ path, number }) =>
            path === "/auth/refresh" && number === 1 ? { fate } : undefined,
          );
          assert.equal((await me(lossy)).status, 200, fate);
        }
        world.proxy.plan();
        assert.equal(lossy.state.status, "in");
      });
    });
  }

  test("names the faulty fields", async () => {
    const registering = client().register({ username: "x", email: "nowhere", password: "short" });
    await assert.rejects(registering, (error) => {
      assert.equal(error.code, "invalid_request");
      assert.equal(error.status, 400);
      assert.ok(error.errors.some(({ field, code }) => field === "password" && code === "too_short"));
      return true;
    });
  });

  test("can't be reached when it isn't there", async () => {
    const lost = createClient({ issuer: "http://127.0.0.1:9", delivery: "body" });
    await assert.rejects(lost.login({ username: "ada", password: "x" }), { code: "unreachable" });
  });
});

describe("a server that wants nonces", () => {
  let world;
  before(async () => {
    world = await startWorld({ "dpop.nonce": "required", "session.access_lifetime": "1s" });
  });
  after(() => world?.stop());

  test("gets them, and a device whose clock is wrong is told", async () => {
    const skewed = (minutes) => ({
      now: () => Date.now() + minutes * 60_000,
      elapsed: () => performance.now(),
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, ms);
          signal?.addEventListener("abort", () => resolve(clearTimeout(timer)));
        }),
    });
    for (const minutes of [0, -45, 45]) {
      const client = createClient({ issuer: world.issuer, delivery: "body", clock: skewed(minutes) });
      await client.register(somebody());
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.equal((await client.fetch(`${world.issuer}/auth/me`)).status, 200);
      await client.logout();
    }
  });
});
