/** What the colours of a timeline stand for. */

import { h } from "./dom.js";

const KEY = [
  ["agent", "agent"],
  ["caller", "caller, and what the provider gets"],
  ["left", "left by the echo filter"],
  ["line", "echo and noise"],
  ["open", "gate open"],
  ["closed", "closed"],
  ["candidate", "candidate"],
  ["barge_in", "barge-in"],
  ["interrupted", "agent interrupted"],
  ["resumed", "barge-in unconfirmed"],
];

/** A list of swatches. */
export function timelineKey() {
  const items = KEY.map(([of, text]) => h("li", { data: { of } }, text));
  return h("ul", { class: "key", "aria-label": "Colours of the timelines" }, items);
}
