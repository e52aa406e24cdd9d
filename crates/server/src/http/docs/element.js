// Elements and words. Text only ever becomes text: nothing here, or anywhere on this page, reads markup.

/** An element with attributes (functions are listeners) and children (elements or texts). */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null));
  return made;
}

/** A sentence in which `code` and **weight** are marked as the document marks them. */
export function words(text) {
  return text
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/)
    .filter((part) => part !== "")
    .map((part) => {
      if (part.startsWith("`")) return element("code", {}, part.slice(1, -1));
      if (part.startsWith("**")) return element("strong", {}, part.slice(2, -2));
      return part;
    });
}

/** The same in paragraphs. */
export function paragraphs(text) {
  return text.split("\n\n").map((paragraph) => element("p", {}, words(paragraph)));
}

/** A button that copies the text of an element. */
export function copyButton(label, shown) {
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(shown.textContent);
      button.textContent = "Copied";
      say(`Copied ${label}`);
    } catch {
      // Where there is no clipboard (plain HTTP on another host), the text is at least marked.
      getSelection().selectAllChildren(shown);
      button.textContent = "Marked";
      say(`Marked ${label}; copy it with the keyboard`);
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return button;
}

/** A text to copy, with its button. */
export function copyable(label, text) {
  const code = element("code", {}, text);
  const block = element("div", { class: "copyable" }, element("pre", { tabindex: "0", role: "region", "aria-label": label }, code), copyButton(label, code));
  return { block, change: (changed) => (code.textContent = changed) };
}

/** JSON as it is read; a text as it is. */
export function json(label, value) {
  return element("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label }, element("code", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2)));
}

/** Method and path. */
export function signature(method, path) {
  return element("span", { class: "signature" }, element("span", { class: `method ${method.toLowerCase()}` }, method), " ", element("code", { class: "path" }, path));
}

/** Says something to those who listen. */
export function say(text) {
  document.getElementById("said").textContent = text;
}
