// A foreign site: a page with nothing on it but what a test has it do, under every name of this machine.
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

/**
 * A server of such pages, on every path, by HTTPS if it gets a key and certificate; `seen` are the paths that it was asked
 * for. It sets the `cookies` that it is given.
 */
export async function startAttacker({ tls, cookies = [] } = {}) {
  const seen = [];
  const create = tls ? (handle) => createSecureServer(tls, handle) : createServer;
  const server = create((request, response) => {
    seen.push(request.url);
    response.writeHead(200, { "Content-Type": "text/html", "Set-Cookie": cookies });
    response.end(
      '<!doctype html><html lang="en"><meta charset="utf-8"><title>attacker</title><body></body></html>',
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    seen,
    /** By that name: `127.0.0.1` is of one site with the server, and any `*.localhost` is not. */
    address: (host) => `${tls ? "https" : "http"}://${host}:${port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** The ways in which a form can write its fields down. */
export const ENCODINGS = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/**
 * In a page: fills in a form and sends it to `target`, a frame of its own if none is named. As plain text, the one field
 * is named so that the body is the very JSON.
 */
export const submitForm = async ({ url, fields, encoding, target }) => {
  const form = document.createElement("form");
  Object.assign(form, { action: url, method: "POST", enctype: encoding });
  const json = JSON.stringify({ ...fields, padding: "" });
  const pairs = encoding === "text/plain" ? [[json.slice(0, -2), `"}`]] : Object.entries(fields);
  for (const [name, value] of pairs)
    form.append(Object.assign(document.createElement("input"), { name, value, type: "hidden" }));
  document.body.append(form);
  if (target) {
    form.target = target;
    return form.submit();
  }
  const frame = document.createElement("iframe");
  frame.name = form.target = `frame${Math.random()}`;
  // Before it is sent, there is a first load, of nothing.
  document.body.append(frame);
  const loaded = new Promise((resolve) => {
    frame.onload = resolve;
  });
  form.submit();
  await loaded;
  return frame.contentDocument?.body.textContent ?? null;
};

/** In a page: fetches in each mode, as far as the browser lets it; gives what could be read. */
export const fetchAll = async ({ calls }) => {
  const read = [];
  const each = async ({ url, method, body, type, mode }) => {
    const headers = type ? { "Content-Type": type } : {};
    try {
      const response = await fetch(url, { method, body, headers, mode, credentials: "include" });
      const text = await response.text();
      if (response.type !== "opaque" || text) read.push(`${method} ${url} ${response.status} ${text}`);
    } catch {
      // Not for us to read.
    }
  };
  await Promise.all(calls.map(each));
  return read;
};

/** In a page: has these loaded by all that loads something; gives what came of it that could be looked into. */
export const embedAll = async ({ urls }) => {
  const seen = [];
  const loaded = (element, url) =>
    new Promise((resolve) => {
      element.onload = () => resolve(true);
      element.onerror = () => resolve(false);
      element[element.localName === "link" ? "href" : element.localName === "object" ? "data" : "src"] = url;
      document.body.append(element);
    });
  for (const url of urls) {
    for (const name of ["img", "script", "iframe", "embed", "object", "link"]) {
      const element = document.createElement(name);
      if (name === "link") element.rel = "stylesheet";
      await Promise.race([loaded(element, url), new Promise((resolve) => setTimeout(resolve, 300))]);
      const inside = element.contentDocument?.body?.textContent;
      if (inside || element.naturalWidth) seen.push(`${name} ${url}: ${inside}`);
    }
  }
  return seen;
};

/** In a page: tries sockets and event streams, beacons and windows; gives what could be got out of them. */
export const reachAll = async ({ urls }) => {
  const got = [];
  const settled = (source, url) =>
    new Promise((resolve) => {
      source.onopen = () => resolve(got.push(`opened ${url}`));
      source.onmessage = ({ data }) => got.push(data);
      source.onerror = resolve;
    }).finally(() => source.close());
  for (const url of urls) {
    await settled(new WebSocket(url.replace(/^http/, "ws")), url);
    await settled(new EventSource(url, { withCredentials: true }), url);
    navigator.sendBeacon(url, "{}");
    const opened = window.open(url);
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      // It is about:blank, and ours, until it has loaded.
      if (opened.location.href !== "about:blank") got.push(opened.document.body.textContent);
    } catch {
      // Another origin's.
    }
    opened?.close();
  }
  return got;
};
