// Follows the revocations of a Relatch server: Node 20 or later, no dependency. The format is in ../revocation-feed.md.
import { createPublicKey, verify } from 'node:crypto';

const QUIET = 10_000; // Heartbeats come every 2 seconds: after 10 without any, the connection is made anew.
const json = (text) => JSON.parse(Buffer.from(text, 'base64url'));

export class Revocations {
  constructor(url, credential, issuer = url) {
    Object.assign(this, { url, issuer, headers: credential ? { authorization: `Bearer ${credential}` } : {} });
    Object.assign(this, { ended: new Map(), through: new Map(), keys: new Map(), last: '', heard: -Infinity });
  }

  /** Whether a token with a good signature by the key `kid` is refused all the same. */
  refuses({ sid, gen }, kid, now = Date.now() / 1000) {
    const [through, until] = this.through.get(sid) ?? [-1, 0];
    return now < this.ended.get(sid) || now < this.keys.get(kid) || (now < until && !(gen > through));
  }

  /** For how many seconds nothing was heard. What follows from that is yours to say: 10 and more is stale. */
  staleFor(now = Date.now() / 1000) { return Math.max(0, now - this.heard); }

  /** Goes on for ever; tells `failed` why a connection ended. */
  async follow(failed = () => {}) {
    for (let pause = 500; ; pause = Math.min(pause * 2, 30_000)) {
      await this.connect(() => { pause = 500; }).catch(failed);
      await new Promise((done) => setTimeout(done, Math.random() * pause));
    }
  }

  async connect(alive) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error('quiet')), QUIET);
    try {
      const headers = { ...this.headers, ...(this.last && { 'last-event-id': this.last }) };
      const answer = await fetch(`${this.url}/revocations`, { headers, signal: abort.signal });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      let text = '';
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
        const events = (text + piece).split('\n\n');
        text = events.pop();
        for (const event of events) if (await this.take(event)) { timer.refresh(); alive(); }
      }
    } finally { clearTimeout(timer); abort.abort(); }
  }

  async take(event) {
    const { event: name, id, data } = Object.fromEntries(event.split('\n').map((line) => line.split(/: ?(.*)/s)));
    if (name === 'reset') await this.snapshot();
    if (name === 'revoked') this.add(JSON.parse(data));
    if (name === 'heartbeat') this.heard = Math.max(this.heard, JSON.parse(data).at);
    if (id) this.last = id;
    return name !== undefined;
  }

  add({ sid, gen, kid, exp }) {
    const later = (map, key) => map.set(key, Math.max(exp, map.get(key) ?? 0));
    if (kid) later(this.keys, kid);
    else if (gen === undefined) later(this.ended, sid);
    else this.through.set(sid, [gen, exp].map((n, i) => Math.max(n, this.through.get(sid)?.[i] ?? 0)));
    const now = Date.now() / 1000;
    for (const map of [this.ended, this.keys, this.through]) for (const [key, end] of map) if (now > (end[1] ?? end)) map.delete(key);
  }

  /** All that is revoked, by the signature of one of the issuer's keys. */
  async snapshot() {
    const get = async (path) => (await fetch(this.url + path, { headers: this.headers, signal: AbortSignal.timeout(QUIET) })).text();
    const [head, body, signature] = (await get('/revocations/snapshot')).trim().split('.');
    const [{ typ, alg, kid }, claims] = [json(head), json(body)];
    const jwk = JSON.parse(await get('/.well-known/jwks.json')).keys.find((key) => key.kid === kid);
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
    const hash = alg === 'EdDSA' ? null : 'sha256'; // The key's own type says the rest: Ed25519, P-256 or RSA.
    const good = verify(hash, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
    const { iss, exp, last, revoked } = claims;
    if (!good || typ !== 'relatch-revocations+jwt' || iss !== this.issuer || Date.now() / 1000 >= exp) throw new Error('no good snapshot');
    revoked.forEach((entry) => this.add(entry));
    this.last = last;
  }
}
