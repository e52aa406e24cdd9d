// A server that renders pages may import the package and make a client: nothing happens, and the process can end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../..", import.meta.url));

test("importing it and making a client does nothing", () => {
  const script = `
    for (const name of ["window", "document", "indexedDB", "localStorage"]) {
      Object.defineProperty(globalThis, name, { get() { throw new Error(name + " was looked at"); } });
    }
    globalThis.fetch = () => { throw new Error("fetch was called"); };
    const { createClient } = await import("relatch");
    const client = createClient({ issuer: "https://api.example.com" });
    console.log(client.state.status);
  `;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: folder,
    encoding: "utf8",
    timeout: 10_000,
  });
  assert.equal(done.stderr, "");
  assert.equal(done.stdout, "unknown\n");
  assert.equal(done.status, 0);
});
