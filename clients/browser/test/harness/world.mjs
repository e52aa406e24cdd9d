// All of it together: pages, a network and a server that know each other.
import { startPages } from "./pages.mjs";
import { startProxy } from "./proxy.mjs";
import { startRelatch } from "./relatch.mjs";

/** Starts them; `settings` are the server's. Clients are made for `issuer`, which is the proxy. */
export async function startWorld(settings = {}) {
  const pages = await startPages();
  const proxy = await startProxy();
  const relatch = await startRelatch({
    "issuer.url": proxy.address,
    "browser.origins": [pages.address],
    ...settings,
  });
  proxy.leadTo(relatch.address);
  return {
    pages,
    proxy,
    relatch,
    issuer: proxy.address,
    async stop() {
      await Promise.all([pages.stop(), proxy.stop(), relatch.stop()]);
    },
  };
}
