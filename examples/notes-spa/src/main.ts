// Finds out whom the notes API trusts, makes the client for it, and lets the app begin.

import { createClient } from "relatch";
import { App, type Screen } from "./app";
import { el, screen } from "./ui/dom";
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
  const slow = setTimeout(() => waiting("The server does not answer yet. Still trying…"), 3000);
  try {
    client ??= createClient({ issuer: await issuer(), resources: [location.origin] });
    await client.user();
  } catch (error) {
    unreachable(error);
    return;
  } finally {
    clearTimeout(slow);
  }
  new App(client, [notes, devices, password, login, signup], MISSING).start();
}

function waiting(text: string): void {
  const place = document.querySelector(".waiting");
  if (place) place.textContent = text;
}

function unreachable(error: unknown): void {
  const again = el("button", { type: "button", class: "primary" }, "Try again");
  const text = el("p", { role: "alert" }, meaning(error));
  screen(
    el(
      "section",
      { class: "narrow" },
      el("h1", { tabindex: -1 }, "No answer"),
      text,
      el("div", { class: "actions" }, again),
    ),
  );
  const asked = new AbortController();
  const retry = (): void => {
    asked.abort();
    void begin();
  };
  again.addEventListener("click", retry, { signal: asked.signal });
  addEventListener("online", retry, { signal: asked.signal });
}

const OFFLINE = "You are offline. What you see may be old, and changes have to wait.";
addEventListener("offline", () => sayOffline(OFFLINE));
addEventListener("online", () => {
  sayOffline("");
  say("You are back online.");
});
if (!navigator.onLine) sayOffline(OFFLINE);

void begin();
