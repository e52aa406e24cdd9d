// The calls to try, step by step, and what one holds after each.

import { curl, send } from "./call.js";
import { copyButton, copyable, element, json, say, signature, words } from "./element.js";
import { decoded, end, held, marked, take, watch } from "./token.js";

const PASSWORD = "a long enough password";
const name = `ada-${String(crypto.getRandomValues(new Uint32Array(1))[0] % 10000).padStart(4, "0")}`;

const USERNAME = { name: "username", label: "Username", value: name, autocomplete: "username", autocapitalize: "none", spellcheck: "false" };
const SECRET = { name: "password", label: "Password", type: "password", value: PASSWORD };
const DEVICE = { name: "device_name", label: "Device", value: "", placeholder: "made of the browser's name" };

const STEPS = [
  {
    title: "Register",
    method: "POST",
    path: "/auth/register",
    text: "A new user is logged in at once and gets a pair of tokens.",
    fields: [USERNAME, { name: "email", label: "E-mail", type: "email", value: `${name}@example.com`, autocomplete: "email" }, { ...SECRET, autocomplete: "new-password" }],
    after: (answer) => take(answer, false),
  },
  {
    title: "Log in",
    method: "POST",
    path: "/auth/login",
    text: "Another session of the same user: as if on a second device. This page goes on with the new one.",
    fields: [USERNAME, { ...SECRET, autocomplete: "current-password" }, { ...DEVICE, value: "Second device" }, { name: "remember_me", label: "Remember me", type: "checkbox" }],
    after: (answer) => take(answer, false),
  },
  {
    title: "Who am I",
    method: "GET",
    path: "/auth/me",
    token: "access",
    text: "Any call of your own API looks like this one: the access token in a header.",
  },
  {
    title: "Refresh",
    method: "POST",
    path: "/auth/refresh",
    token: "refresh",
    text: "The refresh token turns: this one is spent and the next one comes, with a new access token. **What you hold** shows which characters changed.",
    after: (answer) => take(answer, true),
    more: [
      {
        label: "Send the spent one again",
        token: "before",
        after: undefined,
        remark: (answer) => (answer.ok && answer.json.refresh_token === held.refresh ? "The very same successor as before: a lost answer or a second tab logs nobody out. After the retry window it would have ended the session." : undefined),
      },
    ],
  },
  { title: "Devices", method: "GET", path: "/auth/sessions", token: "access", text: "Every live session of the user, and a button to end one.", devices: true },
  {
    title: "Log out",
    method: "POST",
    path: "/auth/logout",
    token: "refresh",
    text: "The session ends for both tokens. Ask who you are once more, and you are told why you are nobody.",
    after: () => end("logged out"),
  },
];

/** The steps with their forms. */
export function showSteps(list) {
  list.append(...STEPS.map((step) => element("li", {}, card(step))));
}

function card(step) {
  const place = element("div", { class: "answer" });
  const inputs = (step.fields ?? []).map(input);
  const line = copyable(`the curl line of ${step.title}`, "");
  const body = () => (step.fields ? read(inputs) : undefined);
  const tell = () => line.change(curl({ ...step, body: shareable(body()) }));
  const buttons = [
    { button: element("button", { type: "submit" }, step.title), step },
    ...(step.more ?? []).map((more) => ({ button: element("button", { type: "button", class: "second" }, more.label), step: { ...step, ...more } })),
  ];
  const form = element("form", {}, inputs.map((input) => input.row), element("div", { class: "buttons" }, buttons.map(({ button }) => button)));
  const run = (which) => perform(which, body(), place, buttons[0].button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(step);
  });
  form.addEventListener("input", tell);
  for (const { button, step: other } of buttons.slice(1)) button.addEventListener("click", () => run(other));
  watch(() => {
    for (const { button, step: other } of buttons) button.disabled = other.token !== undefined && !held[other.token];
  });
  tell();
  return element("article", { class: "card" }, element("h2", {}, step.title), element("p", {}, signature(step.method, step.path)), element("p", {}, words(step.text)), form, element("details", { class: "shell" }, element("summary", {}, "With curl"), line.block), place);
}

function input({ name, label, ...attributes }) {
  const made = element("input", { name, type: "text", ...attributes });
  const box = attributes.type === "checkbox";
  const row = element("label", { class: box ? "field box" : "field" }, box ? [made, label] : [element("span", {}, label), made]);
  return { name, made, row, box };
}

/** What the form says; what is left empty is left out. */
function read(inputs) {
  const values = inputs.map(({ name, made, box }) => [name, box ? made.checked : made.value]);
  return Object.fromEntries(values.filter(([, value]) => value !== "" && value !== false));
}

/** The same without a password of somebody's own. */
function shareable(body) {
  return body?.password && body.password !== PASSWORD ? { ...body, password: "…" } : body;
}

async function perform(step, body, place, button) {
  button.disabled = true;
  const token = step.token && held[step.token];
  const answer = await send({ ...step, token, body });
  button.disabled = false;
  if (answer.ok) step.after?.(answer.json);
  else if (answer.json?.code === "session_ended") end(answer.json.reason);
  show(step, answer, place);
}

function show(step, answer, place) {
  const status = `${answer.status || ""} ${answer.words}`.trim();
  const remark = step.remark?.(answer);
  place.replaceChildren(
    element("p", { class: answer.ok ? "outcome good" : "outcome bad" }, element("strong", {}, status), ` in ${Math.round(answer.millis)} ms`),
    ...(remark ? [element("p", { class: "remark" }, remark)] : []),
    ...(answer.ok && step.devices ? [devices(answer.json.sessions, place, step)] : []),
    ...(answer.json ? [json(`The answer to ${step.title}`, shortened(answer.json))] : []),
  );
  say(`${step.title}: ${status}. ${answer.json?.title ?? remark ?? ""}`);
}

/** Long tokens are cut for reading; in full they are below. */
function shortened(answer) {
  const cut = (value) => (typeof value === "string" && value.length > 60 && !value.includes(" ") ? `${value.slice(0, 28)}…${value.slice(-8)}` : value);
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, cut(value)]));
}

function devices(sessions, place, step) {
  const row = (session) => {
    const button = element("button", { type: "button", class: "second", "aria-label": `End ${session.device}` }, "End");
    button.addEventListener("click", async () => {
      button.disabled = true;
      const ended = { title: `End ${session.device}`, method: "DELETE", path: `/auth/sessions/${session.id}` };
      const answer = await send({ ...ended, token: held.access });
      if (answer.ok && session.current) end("ended by user");
      if (answer.ok && !session.current) await perform(step, undefined, place, button);
      else show(ended, answer, place);
    });
    const used = new Date(session.last_used_at).toLocaleTimeString();
    return element("li", {}, element("span", {}, session.device, session.current ? element("em", {}, " this one") : ""), element("span", { class: "used" }, `used ${used}`), button);
  };
  return element("ul", { class: "devices" }, sessions.map(row));
}

/** What is held, taken apart. */
export function showHeld(place) {
  watch(() => {
    place.replaceChildren(...(held.access ? parts() : [element("p", { class: "nothing" }, "Nothing yet. Register, and the two tokens are shown here, taken apart.")]));
    tick(place);
  });
  setInterval(() => tick(place), 1000);
}

function parts() {
  const { head, claims } = decoded(held.access);
  return [
    element("p", { class: held.over ? "outcome bad" : "outcome good" }, held.over ? `The session is over: ${held.over}.` : `${held.user?.username ?? ""}, in session ${claims.sid.slice(0, 8)}…, generation ${claims.gen}`),
    element("h3", {}, "Refresh token"),
    element("p", { class: "fine" }, held.before ? "The spent one, and below it the newest: what changed is marked. " : "Opaque, and good for one turn. ", element("code", {}, "$REFRESH"), " in the curl lines."),
    ...(held.before ? [element("p", { class: "token spent" }, element("span", { class: "unseen" }, "Spent: "), held.before)] : []),
    token("the refresh token", marked(held.refresh, held.before)),
    element("h3", {}, "Access token"),
    element("p", { class: "fine" }, "A signed JWT: any service reads and checks it with the public keys. ", element("code", {}, "$ACCESS"), " in the curl lines. ", element("span", { class: "left", "data-ends": String(claims.exp) })),
    token("the access token", [held.access]),
    json("Head of the access token", head),
    json("Claims of the access token", claims),
  ];
}

function token(label, runs) {
  const text = element("span", {}, runs);
  return element("div", { class: "copyable" }, element("p", { class: "token", tabindex: "0" }, text), copyButton(label, text));
}

function tick(place) {
  const left = place.querySelector(".left");
  if (!left) return;
  const seconds = Math.max(0, Math.round(Number(left.dataset.ends) - Date.now() / 1000));
  left.textContent = seconds > 0 ? `Good for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}.` : "Expired: refresh.";
}
