// Change the password.

import { RelatchError } from "relatch";
import type { Scene, Screen } from "../app";
import { el, fill } from "../ui/dom";
import { field, form, whose } from "../ui/form";
import { say } from "../ui/say";

export const password: Screen = {
  path: "/password",
  title: "Password",
  tab: "Password",
  show(scene) {
    const place = el("div", {});
    const renew = (): void => fill(place, fields(scene, renew));
    renew();
    return el(
      "section",
      { class: "split" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1 }, "Password"),
        el("p", { class: "lede" }, "With a new password every other device is logged out. This one stays."),
      ),
      place,
    );
  },
};

function fields({ client, user }: Scene, done: () => void): HTMLElement {
  const old = field({
    name: "old_password",
    label: "Current password",
    type: "password",
    autocomplete: "current-password",
    missing: "Enter your current password.",
  });
  const fresh = field({
    name: "new_password",
    label: "New password",
    type: "password",
    autocomplete: "new-password",
    hint: "At least 8 characters. Some words in a row are good.",
    missing: "Choose a new password.",
  });
  return form({
    label: "Change the password",
    fields: [old, fresh],
    more: [whose(user.username)],
    submit: "Change password",
    async send() {
      try {
        await client.changePassword({ oldPassword: old.input.value, newPassword: fresh.input.value });
      } catch (error) {
        if (!(error instanceof RelatchError && error.code === "invalid_credentials")) throw error;
        old.fault("This is not your password.");
        old.input.focus();
        return;
      }
      done();
      say("Your password is changed, and every other device is logged out.");
    },
  });
}
