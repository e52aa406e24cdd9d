// Questions that the page asks before it goes on: a modal dialog, which keeps the focus inside and gives it back.

import { el } from "./dom";
import { field, form, whose } from "./form";

interface Question {
  title: string;
  text: string;
  yes: string;
  no: string;
}

/** Asks before something that cannot be undone; says whether to do it. */
export function confirm({ title, text, yes, no }: Question): Promise<boolean> {
  return ask((answer) => [
    el("h2", { id: "question" }, title),
    el("p", {}, text),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "danger", click: () => answer(true) }, yes),
      el("button", { type: "button", autofocus: true, click: () => answer(false) }, no),
    ),
  ]);
}

/** Asks for the password until `prove` takes it; says whether it did. */
export function askPassword(
  username: string,
  why: string,
  prove: (password: string) => Promise<void>,
): Promise<boolean> {
  const password = field({
    name: "password",
    label: "Password",
    type: "password",
    autocomplete: "current-password",
    missing: "Enter your password.",
  });
  password.input.autofocus = true;
  return ask((answer) => [
    el("h2", { id: "question" }, "Is it you?"),
    el("p", {}, why),
    form({
      label: "Confirm with your password",
      fields: [password],
      more: [whose(username)],
      submit: "Confirm",
      beside: [el("button", { type: "button", click: () => answer(false) }, "Cancel")],
      async send() {
        await prove(password.input.value);
        answer(true);
      },
    }),
  ]);
}

function ask(content: (answer: (yes: boolean) => void) => Node[]): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-labelledby": "question" });
    let said = false;
    dialog.append(
      ...content((yes) => {
        said = yes;
        dialog.close();
      }),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(said);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
