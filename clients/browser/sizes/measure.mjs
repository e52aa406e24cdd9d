// The bytes of this package's core next to those of others, each bundled by esbuild in the same way: its main entry
// with the one thing that an app makes of it. `npm ci && node measure.mjs` in this folder.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { measure } from "../scripts/bundle.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

const others = {
  "oidc-client-ts": 'import { UserManager } from "oidc-client-ts"; globalThis.x = new UserManager({});',
  "@auth0/auth0-spa-js":
    'import { Auth0Client } from "@auth0/auth0-spa-js"; globalThis.x = new Auth0Client({});',
  "better-auth":
    'import { createAuthClient } from "better-auth/client"; globalThis.x = createAuthClient({});',
};

const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url))).version;
const rows = [
  [
    `relatch ${own}`,
    await measure('import { createClient } from "../dist/index.js"; globalThis.x = createClient({});', here),
  ],
];
for (const [name, source] of Object.entries(others))
  rows.push([`${name} ${versionOf(name)}`, await measure(source, here)]);
console.log("| | minified | gzip -9 | brotli |\n|---|---|---|---|");
for (const [name, { minified, gzip, brotli }] of rows)
  console.log(`| ${name} | ${minified} | ${gzip} | ${brotli} |`);
