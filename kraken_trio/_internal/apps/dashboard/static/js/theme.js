// Light, dark or what the system says: the button, and who wants to know.

import { make, mark } from "./dom.js";

const ORDER = ["system", "light", "dark"];

function stored() {
  try {
    return localStorage.getItem("theme") ?? "system";
  } catch {
    return "system"; // Storage may be forbidden.
  }
}

function keep(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // As above: then it holds until the page is left.
  }
}

export function themes(button, changed) {
  let theme = ORDER.includes(stored()) ? stored() : "system";
  const show = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.replaceChildren(make("span", { class: "desk" }, "Theme: "), theme);
    mark(button, "aria-label", `Theme: ${theme}`);
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    keep(theme);
    show();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}

/** A colour of the style sheet, for what is drawn on a canvas. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
