// The notes: write, read, change, delete, each offered to whom it is permitted.

import type { Scene, Screen } from "../app";
import { type Action, type Note, type Permitted, Refused } from "../notes";
import { confirm } from "../ui/dialog";
import { el, fill, unseen } from "../ui/dom";
import { busy } from "../ui/form";
import { say } from "../ui/say";
import { meaning } from "../words";

/** What was written and not added yet, by user: a session that ends in the middle of a sentence loses none of it. */
const drafts = new Map<string, string>();

export const notes: Screen = {
  path: "/",
  title: "Notes",
  tab: "Notes",
  show(scene) {
    const board = new Board(scene);
    addEventListener("online", () => board.lookAgain(), { signal: scene.gone });
    void board.load();
    return el("section", {}, el("h1", { tabindex: -1 }, "Your notes"), board.place);
  },
};

class Board {
  readonly place = el("div", { class: "board" });
  private readonly list = el("ul", { class: "cards", "aria-label": "Notes" });
  private readonly notice = el("div", { class: "notice", role: "alert" });
  private readonly empty = el("p", { class: "empty" }, "Nothing here yet.");
  private may: Permitted = { notes: new Set(), all: new Set() };

  constructor(private readonly scene: Scene) {}

  /** Shows what is permitted and what is there, all at once, so that nothing moves. */
  async load(notice = ""): Promise<void> {
    try {
      this.may = await this.scene.notes.permitted();
      const all = this.may.notes.has("read") ? await this.scene.notes.list() : [];
      fill(this.list, ...all.reverse().map((note) => this.card(note)));
      fill(this.place, this.notice, this.may.notes.has("create") && this.composer(), ...this.below());
      this.notice.textContent = notice;
      this.count();
    } catch (error) {
      if (this.scene.gone.aborted) return;
      const again = el(
        "button",
        { type: "button", click: () => void busy(again, () => this.load()) },
        "Try again",
      );
      fill(this.place, el("div", { class: "notice", role: "alert" }, el("p", {}, meaning(error)), again));
    }
  }

  /** Unless somebody is writing. */
  lookAgain(): void {
    if (!this.place.querySelector("form:focus-within, .card form")) void this.load();
  }

  private below(): HTMLElement[] {
    if (this.may.notes.has("read")) return [this.list, this.empty];
    const some = this.may.notes.has("create");
    const text = some
      ? "You may add notes here, and not read them."
      : "Your account has no role that permits notes yet. An administrator can give you one.";
    return [el("p", { class: "empty" }, text)];
  }

  private count(): void {
    this.empty.hidden = this.list.childElementCount > 0;
  }

  private composer(): HTMLElement {
    const draft = drafts.get(this.scene.user.id) ?? "";
    const text = el("textarea", { id: "draft", rows: 3, placeholder: "Write something down…" });
    text.value = draft;
    text.addEventListener("input", () => drafts.set(this.scene.user.id, text.value));
    return this.writing(text, "New note", "Add note", [], async (draft) => {
      const note = await this.scene.notes.add(draft);
      drafts.delete(this.scene.user.id);
      text.value = "";
      text.focus();
      if (this.may.notes.has("read")) this.list.prepend(this.card(note));
      this.count();
      say("Note added.");
    });
  }

  private card(note: Note): HTMLElement {
    const mine = note.owner === this.scene.user.id;
    const may = (action: Action): boolean => this.may.notes.has(action) && (mine || this.may.all.has(action));
    const [first = "", ...rest] = note.text.trim().split("\n");
    const card = el("li", { class: "card" });
    const edit = el(
      "button",
      { type: "button", class: "quiet", click: () => this.edit(card, note) },
      "Change",
      unseen(` “${brief(note)}”`),
    );
    const drop = el(
      "button",
      { type: "button", class: "quiet", click: () => void this.drop(card, note) },
      "Delete",
      unseen(` “${brief(note)}”`),
    );
    card.append(
      el(
        "div",
        { class: rest.length > 0 ? "text titled" : "text" },
        el("p", {}, first),
        el("p", {}, rest.join("\n").trim()),
      ),
      el(
        "div",
        { class: "foot" },
        el("span", { class: "tag", hidden: mine }, "Somebody else’s"),
        may("update") && edit,
        may("delete") && drop,
      ),
    );
    return card;
  }

  private edit(card: HTMLElement, note: Note): void {
    const text = el("textarea", { id: `note-${note.id}`, rows: 3 });
    text.value = note.text;
    const back = (shown: Note): void => {
      const fresh = this.card(shown);
      card.replaceWith(fresh);
      fresh.querySelector("button")?.focus();
    };
    const cancel = el("button", { type: "button", click: () => back(note) }, "Cancel");
    const body = this.writing(text, "Change the note", "Save", [cancel], async (draft) => {
      back(await this.scene.notes.change(note.id, draft));
      say("Note changed.");
    });
    body.addEventListener("keydown", (event) => {
      if (event.key === "Escape") back(note);
    });
    fill(card, body);
    text.focus();
  }

  private async drop(card: HTMLElement, note: Note): Promise<void> {
    const sure = await confirm({
      title: "Delete this note?",
      text: `“${brief(note)}” will be gone for good.`,
      yes: "Delete",
      no: "Keep it",
    });
    if (!sure) return;
    try {
      await this.scene.notes.delete(note.id);
    } catch (error) {
      return this.refused(error);
    }
    const next = card.nextElementSibling ?? card.previousElementSibling;
    card.remove();
    this.count();
    say("Note deleted.");
    const focus =
      next?.querySelector("button") ??
      this.place.querySelector("textarea") ??
      this.place.parentElement?.querySelector("h1");
    focus?.focus();
  }

  /** A form of one text. */
  private writing(
    text: HTMLTextAreaElement,
    label: string,
    submit: string,
    beside: Node[],
    send: (text: string) => Promise<void>,
  ): HTMLElement {
    const button = el("button", { type: "submit", class: "primary" }, submit);
    const trouble = el("p", { class: "trouble", role: "alert" });
    const actions = el("div", { class: "actions" }, button, ...beside);
    const form = el(
      "form",
      { class: "writing" },
      el("label", { for: text.id }, label),
      text,
      trouble,
      actions,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      trouble.textContent = "";
      if (!text.value.trim()) return void text.focus();
      void busy(button, () => send(text.value)).catch((error: unknown) => {
        if (forbidden(error)) void this.refused(error);
        else trouble.textContent = meaning(error);
      });
    });
    return form;
  }

  /** What is not permitted any more is offered no longer. */
  private async refused(error: unknown): Promise<void> {
    if (forbidden(error)) await this.load(meaning(error));
    else this.notice.textContent = meaning(error);
  }
}

function forbidden(error: unknown): boolean {
  return error instanceof Refused && error.status === 403;
}

function brief({ text }: Note): string {
  const [line = ""] = text.trim().split("\n");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
