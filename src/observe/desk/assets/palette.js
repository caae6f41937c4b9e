/** The colours of the style sheet for canvases, read once for each theme. */

const NAMES = [
  "surface",
  "raised",
  "ink",
  "muted",
  "rule",
  "rule-strong",
  "agent",
  "caller",
  "line",
  "floor",
  "open",
  "open-edge",
  "closed",
  "candidate",
  "barge-in",
  "right",
  "false",
];

let colours = null;

/** The colours by name. */
export function palette() {
  if (colours === null) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(
      NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
  }
  return colours;
}

/** The colour of a state of the gate. */
export function stateColour(state) {
  const named = { open: "open", closed: "closed", candidate: "candidate", barge_in: "barge-in" };
  return palette()[named[state] ?? "raised"];
}

/** What is written on that colour: 4.5 to 1 at least. */
export function stateInk(state) {
  const isDark = document.documentElement.dataset.theme === "dark";
  if (state === "closed") return isDark ? "#ffffff" : "#0c1218";
  if (state === "barge_in") return isDark ? "#16202b" : "#ffffff";
  return state === "candidate" ? "#16202b" : palette().ink;
}

/** The theme has changed. */
export function forgetPalette() {
  colours = null;
}
