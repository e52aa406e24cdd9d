// Elements, made of names and text. Whatever comes from outside becomes a text node, so that no note is ever read as markup.

export type Child = Node | string | null | undefined | false;

type Value = string | number | boolean | null | undefined | ((event: Event) => void);

/** Makes an element. A function is a listener, `true` an attribute without a value, `false` and nothing no attribute. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...present(children));
  return element;
}

/** Puts children in the place of what is in the element. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren(...present(children));
}

/** Puts a screen in the place of the one that is there. */
export function screen(...children: Child[]): void {
  // A new element each time: one that stays would move when something comes above it.
  find("#screen").replaceWith(el("div", { id: "screen" }, ...children));
}

/** The one element of the page that matches. */
export function find(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
}

/** Text for screen readers alone. */
export function unseen(text: string): HTMLElement {
  return el("span", { class: "unseen" }, text);
}

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  notes: "M6 4h12v16H6zM9 9h6M9 13h6M9 17h3",
  devices: "M3 6h13v9H3zM1 18h12M17 9h5v10h-5z",
  key: "M14 8a4 4 0 1 1-2.6 7L9 17.4V20H6v-3l5.2-5.2A4 4 0 0 1 14 8zM15 11h.01",
  laptop: "M5 5h14v10H5zM2 19h20",
  phone: "M7 3h10v18H7zM11 18h2",
  cross: "M6 6l12 12M18 6L6 18",
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside words: nothing to a screen reader. */
export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

function present(children: Child[]): (Node | string)[] {
  return children.filter(
    (child): child is Node | string => child instanceof Node || (typeof child === "string" && child !== ""),
  );
}
