// Where the account is logged in, and how to end that.

import { type Device, RelatchError } from "relatch";
import type { Scene, Screen } from "../app";
import { isPhone } from "../ui/device";
import { askPassword, confirm } from "../ui/dialog";
import { el, fill, icon, unseen } from "../ui/dom";
import { busy } from "../ui/form";
import { say } from "../ui/say";
import { ago, day } from "../ui/time";
import { meaning } from "../words";

export const devices: Screen = {
  path: "/devices",
  title: "Devices",
  tab: "Devices",
  show(scene) {
    const list = new List(scene);
    addEventListener("online", () => void list.load(), { signal: scene.gone });
    void list.load();
    return el(
      "section",
      { class: "split" },
      el(
        "div",
        {},
        el("h1", { tabindex: -1 }, "Devices"),
        el(
          "p",
          { class: "lede" },
          "Where you are logged in. If you don’t know one of them, log it out and change your password.",
        ),
      ),
      list.place,
    );
  },
};

class List {
  readonly place = el("div", {});
  private readonly notice = el("p", { class: "notice", role: "alert" });

  constructor(private readonly scene: Scene) {}

  async load(): Promise<void> {
    try {
      const all = await this.scene.client.sessions.list();
      const sorted = all.toSorted((one, other) => Number(other.current) - Number(one.current));
      const rows = el(
        "ul",
        { class: "rows", "aria-label": "Devices" },
        ...sorted.map((device) => this.row(device)),
      );
      fill(this.place, this.notice, rows, this.all(all.length - 1));
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

  private row(device: Device): HTMLElement {
    const name = device.device || "A device without a name";
    const end = (): Promise<void> =>
      this.end(`${name} is logged out.`, () => this.scene.client.sessions.end(device.id));
    const button: HTMLButtonElement = el(
      "button",
      { type: "button", click: () => void busy(button, end) },
      "Log out",
      unseen(` ${name}`),
    );
    return el(
      "li",
      { class: device.current ? "row current" : "row" },
      icon(isPhone(name) ? "phone" : "laptop"),
      el(
        "div",
        { class: "about" },
        el("p", { class: "name" }, name, device.current && el("span", { class: "tag" }, "This device")),
        el("p", { class: "hint" }, "Last used ", ago(device.lastUsedAt)),
        el(
          "p",
          { class: "hint" },
          "Logged in on ",
          day(device.createdAt),
          ". Ends on ",
          day(device.expiresAt),
          " if not used.",
        ),
      ),
      !device.current && button,
    );
  }

  private all(others: number): HTMLElement {
    const { client } = this.scene;
    const count = others === 1 ? "The other device is" : `${others} other devices are`;
    const rest: HTMLButtonElement = el(
      "button",
      {
        type: "button",
        click: () =>
          void busy(rest, () => this.end(`${count} logged out.`, () => client.sessions.endOthers())),
      },
      "Log out all others",
    );
    const everywhere: HTMLButtonElement = el(
      "button",
      { type: "button", class: "danger", click: () => void busy(everywhere, () => this.everywhere()) },
      "Log out everywhere",
    );
    return el("div", { class: "actions" }, others > 0 && rest, everywhere);
  }

  private async everywhere(): Promise<void> {
    const sure = await confirm({
      title: "Log out everywhere?",
      text: "Every device is logged out, this one too.",
      yes: "Log out everywhere",
      no: "Cancel",
    });
    if (sure) await this.end("You are logged out everywhere.", () => this.scene.client.logoutEverywhere());
  }

  /** Ends sessions; asks for the password first if the login is too long ago for that. */
  private async end(done: string, work: () => Promise<unknown>): Promise<void> {
    this.notice.textContent = "";
    try {
      if (!(await this.proven(work))) return;
      say(done);
    } catch (error) {
      this.notice.textContent = meaning(error);
    }
    if (this.scene.gone.aborted) return;
    await this.load();
    document.querySelector<HTMLElement>("#screen h1")?.focus();
  }

  private async proven(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof RelatchError && error.code === "reauthentication_required")) throw error;
    }
    const { client, user } = this.scene;
    const why = "It is a while since you logged in. Enter your password before devices are logged out.";
    const sure = await askPassword(
      user.username,
      why,
      async (password) => void (await client.reauthenticate({ password })),
    );
    if (sure) await work();
    return sure;
  }
}
