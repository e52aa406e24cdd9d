// The screens in front of the door: log in and sign up.

import type { Scene, Screen } from "../app";
import { device } from "../ui/device";
import { type Child, el } from "../ui/dom";
import { check, type Field, field, form } from "../ui/form";

const username = (): Field =>
  field({ name: "username", label: "Username", autocomplete: "username", missing: "Enter your username." });

const remember = (): ReturnType<typeof check> =>
  check("remember_me", "Stay logged in", "Otherwise your login ends with the browser.");

export const login: Screen = {
  path: "/login",
  title: "Log in",
  guest: true,
  show({ client }: Scene) {
    const name = username();
    const secret = field({
      name: "password",
      label: "Password",
      type: "password",
      autocomplete: "current-password",
      missing: "Enter your password.",
    });
    const stay = remember();
    const body = form({
      label: "Log in",
      fields: [name, secret],
      more: [stay.row],
      submit: "Log in",
      async send() {
        await client.login({
          username: name.input.value,
          password: secret.input.value,
          rememberMe: stay.input.checked,
          device: device(),
        });
      },
    });
    return door("Log in", "Welcome back.", body, "New here? ", el("a", { href: "/signup" }, "Sign up"));
  },
};

export const signup: Screen = {
  path: "/signup",
  title: "Sign up",
  guest: true,
  show({ client }: Scene) {
    const name = username();
    const email = field({
      name: "email",
      label: "E-mail",
      type: "email",
      autocomplete: "email",
      missing: "Enter your e-mail address.",
    });
    const secret = field({
      name: "password",
      label: "Password",
      type: "password",
      autocomplete: "new-password",
      hint: "At least 8 characters. Some words in a row are good.",
      missing: "Choose a password.",
    });
    const stay = remember();
    const body = form({
      label: "Sign up",
      fields: [name, email, secret],
      more: [stay.row],
      submit: "Sign up",
      async send() {
        const account = {
          username: name.input.value,
          email: email.input.value,
          password: secret.input.value,
        };
        await client.register({ ...account, rememberMe: stay.input.checked, device: device() });
      },
    });
    return door(
      "Sign up",
      "A quiet place for what you want to keep.",
      body,
      "Have an account? ",
      el("a", { href: "/login" }, "Log in"),
    );
  },
};

function door(title: string, lede: string, body: HTMLElement, ...other: Child[]): HTMLElement {
  return el(
    "section",
    { class: "door" },
    el("h1", { tabindex: -1 }, title),
    el("p", { class: "lede" }, lede),
    body,
    el("p", { class: "other" }, ...other),
  );
}
