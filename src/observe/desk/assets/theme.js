/** Light, dark, or as the system: the switch, and who is told of a change. */

import { h } from "./dom.js";
import { forgetPalette } from "./palette.js";

const ORDER = ["system", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Dispatches `change`. */
export const themes = new EventTarget();

function chosen() {
  try {
    const value = localStorage.getItem("voxgate-theme");
    return ORDER.includes(value) ? value : "system";
  } catch {
    return "system"; // storage is switched off
  }
}

function remember(value) {
  try {
    localStorage.setItem("voxgate-theme", value);
  } catch {
    // Then it holds for this page alone.
  }
}

function wear(value) {
  const theme = value === "system" ? (dark.matches ? "dark" : "light") : value;
  document.documentElement.dataset.theme = theme;
  forgetPalette();
  themes.dispatchEvent(new Event("change"));
}

/** Put the switch to work. */
export function installTheme(button) {
  let value = chosen();
  const show = () => {
    button.replaceChildren(h("span", {}, "Theme: "), value);
    button.setAttribute("aria-label", `Theme: ${value}`);
    wear(value);
  };
  button.addEventListener("click", () => {
    value = ORDER[(ORDER.indexOf(value) + 1) % ORDER.length];
    remember(value);
    show();
  });
  dark.addEventListener("change", show);
  show();
}
