// The app's own origin: a page with nothing on it, and the package as it is built.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

const dist = new URL("../../dist/", import.meta.url);
const PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><body></body></html>';

/**
 * A server of pages: `/` and `/relatch/*.js`, by HTTPS if it gets a key and certificate. Its policy is as strict as the
 * package allows.
 */
export async function startPages({ tls, host = "127.0.0.1" } = {}) {
  const create = tls ? (handle) => createSecureServer(tls, handle) : createServer;
  const server = create(async ({ url }, response) => {
    const name = /^\/relatch\/([\w-]+\.js)$/.exec(url)?.[1];
    try {
      const body = name ? await readFile(new URL(name, dist)) : PAGE;
      response.writeHead(200, {
        "Content-Type": name ? "text/javascript" : "text/html",
        "Content-Security-Policy": "default-src 'self'; connect-src *",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `${tls ? "https" : "http"}://${host}:${server.address().port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
