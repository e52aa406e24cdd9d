// What an app's bundler makes of an entry, and how many bytes of it cross the network.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The bytes of a minified bundle of `source`: as it is, with gzip -9 and with brotli. Lazily loaded parts are not counted. */
export async function measure(source, resolveDir) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir, loader: "js" },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
    outdir: "out",
    write: false,
    logLevel: "error",
    metafile: true,
  });
  // The entry and what it imports at once; a lazily loaded part stands for itself.
  const entry = outputFiles.find((file) => file.path.endsWith("stdin.js"));
  const parts = new Map(outputFiles.map((file) => [file.path.split("/").at(-1), file.text]));
  let text = entry.text;
  for (const [, name] of entry.text.matchAll(/from\s*"\.\/([^"]+)"/g)) text += parts.get(name) ?? "";
  const bytes = Buffer.from(text);
  return {
    minified: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
  };
}
