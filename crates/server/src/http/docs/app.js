// Where the page begins: asks for the document and fills the sections.

import { element, say } from "./element.js";
import { showCatalogue, showRoutes } from "./reference.js";
import { showHeld, showSteps } from "./tour.js";

showSteps(document.getElementById("steps"));
showHeld(document.getElementById("held-body"));

try {
  const response = await fetch("/openapi.json", { credentials: "omit" });
  const api = await response.json();
  document.getElementById("version").textContent = `API ${api.info.version}`;
  showRoutes(api, document.getElementById("introduction"), document.getElementById("groups"));
  showCatalogue(api, document.getElementById("catalogue"));
  reveal();
} catch (error) {
  const notice = "The description of the routes could not be loaded.";
  document.getElementById("groups").append(element("p", { class: "notice" }, `${notice} (${error.message})`));
  say(notice);
}

addEventListener("hashchange", reveal);

/** Opens the route that the address names: it was made after the browser had looked for it. */
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  if (location.hash.length > 1) target.scrollIntoView();
}
