// The tokens, in memory and nowhere else, and what can be seen of them.

import { element } from "./element.js";

/** What is held now. */
export const held = { access: undefined, refresh: undefined, before: undefined, user: undefined, over: undefined };

const watchers = [];

/** Calls `watcher` now and after every change. */
export function watch(watcher) {
  watchers.push(watcher);
  watcher();
}

/** Takes the tokens of an answer: of a new session, or of the next turn of the one that is held. */
export function take(answer, turned) {
  held.before = turned ? held.refresh : undefined;
  held.access = answer.access_token;
  held.refresh = answer.refresh_token;
  held.user = answer.user ?? held.user;
  held.over = undefined;
  changed();
}

/** Notes that the session is over. What is left of it stays to be looked at, and to be refused. */
export function end(why) {
  if (!held.access || held.over) return;
  held.over = why;
  changed();
}

function changed() {
  for (const watcher of watchers) watcher();
}

/** Head and claims of a JWT. Nothing is checked: that is for whoever relies on it. */
export function decoded(token) {
  const [head, claims] = token.split(".");
  return { head: part(head), claims: part(claims) };
}

function part(text) {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
}

/** A token with the characters marked that differ from the one before. */
export function marked(token, before) {
  const runs = [];
  for (const [place, character] of [...token].entries()) {
    const fresh = before !== undefined && before[place] !== character;
    const last = runs.at(-1);
    if (last && last.fresh === fresh) last.text += character;
    else runs.push({ fresh, text: character });
  }
  return runs.map((run) => (run.fresh ? element("mark", {}, run.text) : run.text));
}
