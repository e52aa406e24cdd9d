// The promise of the README, kept: the core with DPoP in less than 6 kB.
import { fileURLToPath } from "node:url";
import { measure } from "./bundle.mjs";

const LIMIT = 6000;
const folder = fileURLToPath(new URL("..", import.meta.url));
const size = await measure(
  'import { createClient } from "./dist/index.js"; globalThis.client = createClient({ issuer: "https://api.example.com" });',
  folder,
);
console.log(`core: ${size.minified} bytes minified, ${size.gzip} gzipped, ${size.brotli} by brotli`);
if (size.gzip >= LIMIT) {
  console.error(`The core is to be under ${LIMIT} bytes gzipped.`);
  process.exitCode = 1;
}
