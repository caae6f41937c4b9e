/** Events of a call with their reasons, newest first, as a list that is read like a log. */

import { h } from "./dom.js";
import { eventKind, eventName, framesAsTime, reasonSentence } from "./words.js";

const FRAME_EVENTS = new Set(["onset_released", "held_discarded", "guard_summary"]);

function item({ at, t_s: seconds, type, reason, count, detail }) {
  const time = h("time", { dateTime: at }, `${seconds.toFixed(2)} s`);
  const frames = count > 0 && FRAME_EVENTS.has(type) ? `, ${framesAsTime(count)}` : "";
  return h(
    "li",
    { data: { type, kind: eventKind(type) } },
    time,
    h(
      "div",
      {},
      h("b", {}, eventName(type) + frames),
      h("p", { class: "note" }, reasonSentence(reason), detail ? ` (${detail})` : ""),
    ),
  );
}

export class EventList {
  #shown = [];

  constructor() {
    this.list = h("ol", { class: "events" });
    this.none = h("p", { class: "note" }, "Nothing has happened at the gate yet.");
    this.element = h(
      "div",
      { class: "events-scroll", tabindex: "0", role: "region", "aria-label": "Events" },
      this.none,
      this.list,
    );
  }

  /** @param {any[]} events Oldest first. */
  show(events) {
    const keys = events.map((each) => `${each.t_s} ${each.type}`);
    const from = this.#shown.length > 0 ? keys.lastIndexOf(this.#shown.at(-1)) + 1 : 0;
    this.#shown = keys;
    this.none.hidden = events.length > 0;
    // Put on top one by one: what is being read stays where it is.
    for (const event of events.slice(from)) this.list.prepend(item(event));
    while (this.list.childElementCount > events.length) this.list.lastElementChild.remove();
  }
}
