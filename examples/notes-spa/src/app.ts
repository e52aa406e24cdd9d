// The frame around the screens: which one is shown, who is logged in, and what happens when either changes.

import type { Client, State, User } from "relatch";
import { Notes } from "./notes";
import { el, fill, find, screen } from "./ui/dom";
import { busy } from "./ui/form";
import { say, sayEnded } from "./ui/say";
import { meaning } from "./words";

/** What a screen works with. `gone` is aborted when another screen takes its place. */
export interface Scene {
  client: Client;
  notes: Notes;
  /** Who is logged in; on screens for guests, nobody is. */
  user: User;
  gone: AbortSignal;
}

export interface Screen {
  path: string;
  title: string;
  /** Screens in the navigation have a label there. */
  tab?: string;
  guest?: true;
  show(scene: Scene): HTMLElement;
}

const NOBODY: User = { id: "", username: "", email: "", createdAt: new Date(0) };

export class App {
  private readonly notes: Notes;
  private shown = "";
  private wanted = "/";
  private leave = new AbortController();
  private leaving = false;

  constructor(
    private readonly client: Client,
    private readonly screens: Screen[],
    private readonly missing: Screen,
  ) {
    this.notes = new Notes((input, init) => client.fetch(input, init));
  }

  /** Follows the session, the history and the links of the page. */
  start(): void {
    this.client.subscribe((state) => this.follow(state));
    addEventListener("popstate", () => this.show(true));
    document.addEventListener("click", (event) => this.click(event));
    this.follow(this.client.state);
  }

  go(path: string, replace = false): void {
    if (replace) history.replaceState(null, "", path);
    else if (path !== location.pathname) history.pushState(null, "", path);
    this.show(true);
  }

  private follow(state: State): void {
    if (state.status === "unknown") return;
    // Another tab may have told that somebody is in before this one knows who.
    if (state.status === "in" && !state.user) {
      void this.client.user().catch(() => undefined);
      return;
    }
    document.body.dataset.status = state.status;
    if (state.status === "out") sayEnded(this.leaving ? undefined : state.ended);
    else sayEnded(undefined, true);
    if (this.shown !== this.key()) this.show(this.shown !== "");
  }

  /** What is on the screen depends on this alone. */
  private key(): string {
    return `${location.pathname} ${this.client.state.user?.id ?? ""}`;
  }

  private show(moveFocus: boolean): void {
    const { status, user } = this.client.state;
    if (status === "unknown" || (status === "in" && !user)) return;
    const wanted = this.screens.find(({ path }) => path === location.pathname) ?? this.missing;
    const isOpen = wanted === this.missing || !user === Boolean(wanted.guest);
    if (isOpen) this.put(wanted, user, moveFocus);
    else this.detour(Boolean(user));
  }

  private put(shown: Screen, user: User | undefined, moveFocus: boolean): void {
    this.shown = this.key();
    this.leave.abort();
    this.leave = new AbortController();
    this.frame(user);
    // A question that was asked on another screen is answered by that.
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    const scene: Scene = {
      client: this.client,
      notes: this.notes,
      user: user ?? NOBODY,
      gone: this.leave.signal,
    };
    screen(shown.show(scene));
    document.title = `${shown.title} · Notes`;
    if (!moveFocus) return;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("#screen h1")?.focus();
  }

  /** To the door, or from the door to where one wanted to go. */
  private detour(isIn: boolean): void {
    if (!isIn) this.wanted = location.pathname;
    const path = isIn ? this.wanted : "/login";
    if (isIn) this.wanted = "/";
    this.go(path, true);
  }

  private frame(user: User | undefined): void {
    const [tabs, account] = [find(".tabs"), find(".account")];
    tabs.hidden = account.hidden = !user;
    const links = this.screens.filter((screen) => screen.tab);
    fill(
      tabs,
      ...links.map(({ path, tab = "" }) =>
        el("a", { href: path, "aria-current": path === location.pathname && "page" }, tab),
      ),
    );
    fill(account);
    if (!user) return;
    const out: HTMLButtonElement = el(
      "button",
      { type: "button", click: () => void busy(out, () => this.logout()) },
      "Log out",
    );
    fill(account, el("span", { class: "name" }, user.username), out);
  }

  private async logout(): Promise<void> {
    this.leaving = true;
    try {
      const told = await this.client.logout();
      say(
        told ? "You are logged out." : "You are logged out here. The server is told once it can be reached.",
      );
    } catch (error) {
      say(meaning(error));
    } finally {
      this.leaving = false;
    }
  }

  /** Links within the app change the screen and not the page. */
  private click(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const plain =
      !event.defaultPrevented &&
      event.button === 0 &&
      !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || link.origin !== location.origin || link.hash) return;
    event.preventDefault();
    this.go(link.pathname);
  }
}
