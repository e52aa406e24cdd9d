// Forms: fields with a label, a hint and a fault of their own, and a submit that cannot happen twice.

import { type FieldFault, RelatchError } from "relatch";
import { meaning } from "../words";
import { type Child, el, fill } from "./dom";

export interface Field {
  row: HTMLElement;
  input: HTMLInputElement;
  /** Shows what is wrong with it; nothing takes that away. */
  fault(text: string): void;
}

interface Described {
  name: string;
  label: string;
  type?: "text" | "email" | "password";
  autocomplete: AutoFill;
  hint?: string;
  /** What to say when it is left empty. */
  missing: string;
}

let made = 0;

/** A field. Its place for a fault is there from the start, so that a screen reader hears what comes into it. */
export function field({ name, label, type = "text", autocomplete, hint, missing }: Described): Field {
  const id = `${name}-${++made}`;
  const plain = type === "text";
  const input = el("input", {
    id,
    name,
    type,
    autocomplete,
    required: true,
    autocapitalize: plain ? "none" : null,
    spellcheck: plain ? "false" : null,
    "aria-describedby": `${hint ? `${id}-hint ` : ""}${id}-fault`,
    "data-missing": missing,
  });
  const place = el("p", { class: "fault", id: `${id}-fault` });
  const row = el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    type === "password" ? el("div", { class: "secret" }, input, reveal(input)) : input,
    hint && el("p", { class: "hint", id: `${id}-hint` }, hint),
    place,
  );
  const fault = (text: string): void => {
    place.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => fault(""));
  return { row, input, fault };
}

/** The button that shows what was typed as a password. */
function reveal(input: HTMLInputElement): HTMLElement {
  const button = el(
    "button",
    { type: "button", class: "quiet", "aria-pressed": "false", "aria-controls": input.id },
    "Show",
  );
  button.setAttribute("aria-label", "Show password");
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(shown));
  });
  return button;
}

/** The name of the account, unseen, so that a password manager knows whose password is asked for. */
export function whose(username: string): HTMLElement {
  return el("input", {
    type: "text",
    name: "username",
    autocomplete: "username",
    value: username,
    readonly: true,
    hidden: true,
  });
}

export function check(
  name: string,
  label: string,
  hint: string,
): { row: HTMLElement; input: HTMLInputElement } {
  const input = el("input", {
    type: "checkbox",
    id: `${name}-${++made}`,
    name,
    "aria-describedby": `${name}-${made}-hint`,
  });
  const text = el(
    "span",
    {},
    el("label", { for: input.id }, label),
    el("span", { class: "hint", id: `${input.id}-hint` }, hint),
  );
  return { row: el("div", { class: "check" }, input, text), input };
}

interface Whole {
  label: string;
  fields: Field[];
  /** What goes between the fields and the button. */
  more?: Child[];
  /** What goes beside the button. */
  beside?: Child[];
  submit: string;
  send(): Promise<void>;
}

/** A form that sends once at a time, and says at which field it went wrong. */
export function form({ label, fields, more = [], beside = [], submit, send }: Whole): HTMLFormElement {
  const trouble = el("p", { class: "trouble", role: "alert" });
  const button = el("button", { type: "submit", class: "primary" }, submit);
  const element = el(
    "form",
    { method: "post", novalidate: true, "aria-label": label },
    ...fields.map((field) => field.row),
    ...more,
    trouble,
    el("div", { class: "actions" }, button, ...beside),
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!complete(fields)) return;
    trouble.textContent = "";
    void busy(button, send).catch((error: unknown) => explain(error, fields, trouble));
  });
  return element;
}

/** Does it once at a time, and lets the button show that it is under way. */
export async function busy(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    await work();
  } finally {
    button.ariaBusy = "false";
  }
}

function complete(fields: Field[]): boolean {
  const empty = fields.filter(({ input }) => !input.value);
  for (const { input, fault } of empty) fault(input.dataset.missing ?? "");
  empty[0]?.input.focus();
  return empty.length === 0;
}

/** Puts each fault at its field, and what belongs to none above the button. */
function explain(error: unknown, fields: Field[], trouble: HTMLElement): void {
  const faults = error instanceof RelatchError ? faultsOf(error) : [];
  const known = faults.map((fault) => ({
    fault,
    field: fields.find(({ input }) => input.name === fault.field),
  }));
  for (const { fault, field } of known) field?.fault(fault.detail ?? "This does not do.");
  const first = known.find(({ field }) => field)?.field;
  if (first && known.every(({ field }) => field)) first.input.focus();
  else fill(trouble, meaning(error));
}

/** What is wrong, field by field; an error of one field alone is a fault of that. */
function faultsOf({ code, errors = [] }: RelatchError): FieldFault[] {
  return code === "username_taken"
    ? [{ field: "username", code, detail: "Somebody has that username. Try another one." }]
    : errors;
}
