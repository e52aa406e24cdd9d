// A real Relatch server in a folder of its own, with short lifetimes if asked for.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const binary =
  process.env.SERVER_UNDER_TEST ?? resolve(root, process.env.CARGO_TARGET_DIR ?? "target", "debug/relatch");

const run = promisify(execFile);

/** Quick to log in to, and nothing that has to survive a power cut. */
const FAST = {
  "password.memory": "64KiB",
  "password.passes": 1,
  "password.allow_weak": true,
  "store.synchronous": "off",
  "server.listen": "127.0.0.1:0",
};

/**
 * Starts one. `settings` are those of docs/configuration.md by their full names, as in
 * `{ "session.access_lifetime": "2s", "browser.origins": [origin] }`.
 */
export async function startRelatch(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), "relatch-"));
  const config = join(folder, "relatch.toml");
  await writeFile(config, toml({ ...FAST, "server.data_dir": join(folder, "data"), ...settings }));
  const child = spawn(binary, ["serve", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    // Nothing of the caller's own settings.
    env: { PATH: process.env.PATH, RELATCH_LOG: "warn" },
  });
  const said = [];
  child.stderr.on("data", (data) => said.push(data));
  const cleared = () => rm(folder, { recursive: true, force: true });
  const address = await new Promise((found, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`relatch ended with ${code}: ${said.join("")}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const at = /listening on (https?:\S+)/.exec(line);
      if (at) found(at[1]);
    });
  }).catch(async (error) => {
    await cleared();
    throw error;
  });
  return {
    /** Where it listens; its issuer, unless `issuer.url` says otherwise. */
    address,
    /** What it wrote to its log. */
    log: () => said.join(""),
    /** What a command of the operator beside it answers, as in `command("session", "list")`. */
    async command(...words) {
      const { stdout } = await run(binary, [...words, "--json", "--config", config]);
      return JSON.parse(stdout);
    },
    async stop() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await cleared();
    },
  };
}

/** A key and certificate for these names, as developers make them, and the files that they are in. */
export async function certify(...names) {
  const folder = await mkdtemp(join(tmpdir(), "tls-"));
  const named = names.flatMap((name) => ["--name", name]);
  const { stdout } = await run(binary, ["tls", "dev", "--json", "--data", folder, ...named]);
  const { certificate_file: certificate, key_file: key } = JSON.parse(stdout);
  return {
    settings: { "tls.certificate_files": [certificate], "tls.key_files": [key] },
    tls: { cert: await readFile(certificate), key: await readFile(key) },
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}

/** JSON's texts, numbers and lists are TOML's, too. */
const toml = (settings) =>
  Object.entries(settings)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join("");

let users = 0;

/** The registration of somebody new. */
export function somebody() {
  users += 1;
  const username = `user${users}x${Math.random().toString(36).slice(2, 8)}`;
  return { username, email: `${username}@example.com`, password: "a long enough password" };
}
