/** What the colours of a timeline stand for. */

import { h } from "./dom.js";

const KEY = [
  ["agent", "agent, as the caller hears it"],
  ["caller", "caller; below the gate: goes to the provider"],
  ["line", "echo and noise on the line"],
  ["open", "gate open"],
  ["closed", "closed"],
  ["candidate", "candidate"],
  ["barge_in", "barge-in"],
  ["interrupted", "caller interrupted the agent"],
  ["resumed", "barge-in unconfirmed"],
];

/** A list of swatches. */
export function timelineKey() {
  const items = KEY.map(([of, text]) => h("li", { data: { of } }, text));
  return h("ul", { class: "key", "aria-label": "Colours of the timelines" }, items);
}
