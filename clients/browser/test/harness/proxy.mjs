// A network that can be as bad as one likes, between a browser and a server: a proxy that loses requests and answers,
// resets connections, and holds copies back that arrive when nobody waits for them any more.
import { once } from "node:events";
import { createServer, request as send } from "node:http";

/**
 * What may become of a request, by name:
 * - `pass`: nothing;
 * - `lose-request`: the connection ends, and the server has seen nothing;
 * - `lose-answer`: the server acts, and the connection ends before its answer;
 * - `reset`: the same by a TCP reset, while the server may still be at it;
 * - `stall`, with `ms`: the request is held back so long, then reaches the server, whether anybody waits or not;
 * - `stall-answer`, with `ms`: the answer is held back so long.
 *
 * @typedef {{ fate: string, ms?: number }} Fate
 */

const PASS = { fate: "pass" };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A proxy on a port of its own. Give it the server's address by `leadTo` before the first request. */
export async function startProxy() {
  let target;
  /** @type {(request: { method: string, path: string, number: number }) => Fate | undefined} */
  let decide = () => PASS;
  let number = 0;
  /**
   * Every request: method, path, when, from which page, whether with a cookie, what became of it, and the answer's status
   * and body if there was one.
   */
  const seen = [];

  async function handle(request, response) {
    const body = [];
    for await (const part of request) body.push(part);
    const { method, url, headers } = request;
    const entry = { method, path: url.split("?")[0], at: Date.now(), fate: "pass" };
    entry.from = headers.origin ?? headers.referer;
    entry.withCookie = headers.cookie !== undefined;
    // A preflight is the browser's own affair, and kept by it for minutes.
    if (request.method !== "OPTIONS") {
      number += 1;
      const fate = decide({ method: entry.method, path: entry.path, number }) ?? PASS;
      Object.assign(entry, fate);
      seen.push(entry);
    }
    if (entry.fate === "lose-request") return request.socket.destroy();
    if (entry.fate === "stall") await pause(entry.ms);
    if (entry.fate === "reset") request.socket.resetAndDestroy();
    const answer = await forward(request, Buffer.concat(body));
    entry.status = answer.status;
    entry.said = answer.body.toString();
    if (entry.fate === "lose-answer") return request.socket.destroy();
    if (entry.fate === "stall-answer") await pause(entry.ms);
    if (request.socket.destroyed) return;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  async function forward({ method, url, headers }, body) {
    const { hostname, port } = new URL(target);
    const onward = send({ hostname, port, method, path: url, headers, agent: false });
    onward.end(body);
    const [answer] = await once(onward, "response");
    const parts = [];
    for await (const part of answer) parts.push(part);
    // `rawHeaders` keeps several Set-Cookie apart; connections are ours to keep.
    const pairs = [];
    for (let at = 0; at < answer.rawHeaders.length; at += 2) {
      const [name, value] = answer.rawHeaders.slice(at, at + 2);
      if (!/^(connection|keep-alive|transfer-encoding)$/i.test(name)) pairs.push(name, value);
    }
    return { status: answer.statusCode, headers: pairs, body: Buffer.concat(parts) };
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    seen,
    /** The requests that reached the proxy for `path`. */
    of: (path) => seen.filter((entry) => entry.path === path),
    leadTo(address) {
      target = address;
    },
    /** From now on, `plan` decides; without one, everything passes. */
    plan(plan = () => PASS) {
      decide = plan;
      number = 0;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
