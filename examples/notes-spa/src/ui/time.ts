// Moments as people say them.

import { el } from "./dom";

const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Date and time. */
export function moment(at: Date): HTMLElement {
  return shown(at, EXACT.format(at));
}

/** The day alone. */
export function day(at: Date): HTMLElement {
  return shown(at, DAY.format(at));
}

/** How long ago, with the exact time at hand. */
export function ago(at: Date, now = Date.now()): HTMLElement {
  const seconds = Math.max(0, (now - at.getTime()) / 1000);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  const words = unit && length ? AGO.format(-Math.floor(seconds / length), unit) : "just now";
  const element = shown(at, words);
  element.title = EXACT.format(at);
  return element;
}

function shown(time: Date, words: string): HTMLElement {
  return el("time", { datetime: time.toISOString() }, words);
}
