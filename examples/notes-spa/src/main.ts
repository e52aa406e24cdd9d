// Finds out whom the notes API trusts, makes the client for it, and lets the app begin.

import { createClient } from "relatch";
import { App, type Screen } from "./app";
import { el, fill, find } from "./ui/dom";
import { say, sayOffline } from "./ui/say";
import { devices } from "./views/devices";
import { login, signup } from "./views/door";
import { notes } from "./views/notes";
import { password } from "./views/password";
import { meaning } from "./words";

const MISSING: Screen = {
  path: "",
  title: "Not found",
  show: () =>
    el(
      "section",
      { class: "narrow" },
      el("h1", { tabindex: -1 }, "There is nothing here"),
      el("p", {}, el("a", { href: "/" }, "Go to the notes")),
    ),
};

/** The issuer, as the API says by RFC 9728. */
async function issuer(): Promise<string> {
  const response = await fetch("/.well-known/oauth-protected-resource");
  const { authorization_servers: servers } = (await response.json()) as { authorization_servers: [string] };
  return servers[0];
}

let client: ReturnType<typeof createClient> | undefined;

async function begin(): Promise<void> {
  try {
    client ??= createClient({ issuer: await issuer(), resources: [location.origin] });
    await client.user();
  } catch (error) {
    return unreachable(error);
  }
  new App(client, [notes, devices, password, login, signup], MISSING).start();
}

function unreachable(error: unknown): void {
  const again = el("button", { type: "button", class: "primary" }, "Try again");
  const text = el("p", { role: "alert" }, meaning(error));
  fill(
    find("#screen"),
    el(
      "section",
      { class: "narrow" },
      el("h1", { tabindex: -1 }, "No answer"),
      text,
      el("div", { class: "actions" }, again),
    ),
  );
  const waiting = new AbortController();
  const retry = (): void => {
    waiting.abort();
    void begin();
  };
  again.addEventListener("click", retry, { signal: waiting.signal });
  addEventListener("online", retry, { signal: waiting.signal });
}

const OFFLINE = "You are offline. What you see may be old, and changes have to wait.";
addEventListener("offline", () => sayOffline(OFFLINE));
addEventListener("online", () => {
  sayOffline("");
  say("You are back online.");
});
if (!navigator.onLine) sayOffline(OFFLINE);

void begin();
