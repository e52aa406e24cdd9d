// A site of three hosts by HTTPS, as it is on the Internet: the app, its API, and a sibling that is somebody else's.
import { once } from "node:events";
import { createServer } from "node:net";
import { startAttacker } from "./attacker.mjs";
import { startPages } from "./pages.mjs";
import { certify, startRelatch } from "./relatch.mjs";

const SITE = "site.localhost";

/**
 * A port that nobody listens on: an issuer's name has it before the server is there. It is below those that systems give
 * away, so that nobody who asks for any port gets it meanwhile.
 */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (free) {
      server.close();
      await once(server, "close");
      return port;
    }
  }
}

/** Starts them. `sibling` sets the cookies that `toss` names, for all of the site where the browser lets it. */
export async function startSiblings() {
  const { tls, settings, clear } = await certify(`api.${SITE}`, `app.${SITE}`, `evil.${SITE}`);
  const [port, plain] = [await freePort(), await freePort()];
  const pages = await startPages({ tls, host: `app.${SITE}` });
  const cookies = [];
  const sibling = await startAttacker({ tls, cookies });
  const issuer = `https://api.${SITE}:${port}`;
  const ends = () => Promise.all([pages.stop(), sibling.stop(), clear()]);
  const relatch = await startRelatch({
    ...settings,
    "issuer.url": issuer,
    "browser.origins": [pages.address],
    "server.listen": `127.0.0.1:${port}`,
    "server.redirect_listen": `127.0.0.1:${plain}`,
  }).catch(async (error) => {
    await ends();
    throw error;
  });
  return {
    pages,
    issuer,
    site: SITE,
    /** Where it listens for plain HTTP, to lead browsers away. */
    plain: `http://api.${SITE}:${plain}`,
    sibling: sibling.address(`evil.${SITE}`),
    /** What the sibling was asked for. */
    asked: sibling.seen,
    /** From now on, the sibling sets these cookies. */
    toss: (...headers) => cookies.splice(0, cookies.length, ...headers),
    async stop() {
      await Promise.all([ends(), relatch.stop()]);
    },
  };
}
