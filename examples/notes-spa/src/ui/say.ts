// What the page says at its edges: what was done, that the network is gone, why a session ended. All three are live regions,
// which a screen reader reads when their text changes.

import type { Ended } from "relatch";
import { reason } from "../words";
import { el, fill, find, icon } from "./dom";
import { moment } from "./time";

let quiet: ReturnType<typeof setTimeout> | undefined;

/** Says what was done, for some seconds. */
export function say(text: string): void {
  const toast = find(".toast");
  clearTimeout(quiet);
  fill(toast, el("p", {}, text));
  quiet = setTimeout(() => fill(toast), 6000);
}

/** Says that the network is gone, or no more. */
export function sayOffline(text: string): void {
  const place = find(".offline");
  if (place.textContent !== text) fill(place, text && el("p", {}, text));
}

/** Says when and why the session ended. What is grave stays after the next login, until it is waved away. */
export function sayEnded(ended: Ended | undefined, isIn = false): void {
  const place = find("#banner");
  if (isIn && place.querySelector(".grave")) return;
  fill(place);
  if (!ended) return;
  const { title, text, grave } = reason(ended);
  const close = el("button", { type: "button", class: "quiet", click: () => fill(place) }, icon("cross"));
  close.setAttribute("aria-label", "Dismiss");
  fill(
    place,
    el(
      "section",
      {
        class: grave ? "banner grave" : "banner",
        "aria-label": "Why you were logged out",
        "data-reason": ended.reason,
      },
      el(
        "div",
        {},
        el("h2", {}, title),
        el("p", {}, text),
        el("p", { class: "when" }, "Ended ", moment(ended.at)),
        grave && next(),
      ),
      close,
    ),
  );
}

/** Where to go once one is in again; until then it is not shown. */
function next(): HTMLElement {
  return el(
    "p",
    { class: "next" },
    el("a", { href: "/password" }, "Change your password"),
    el("a", { href: "/devices" }, "Look at your devices"),
  );
}
