/** Events of a call with their reasons, newest first, as a list that is read like a log. */

import { fill, h } from "./dom.js";
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
  #shown = "";

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
    const key = events.map((each) => `${each.t_s} ${each.type}`).join();
    if (key === this.#shown) return;
    this.#shown = key;
    this.none.hidden = events.length > 0;
    fill(this.list, [...events].reverse().map(item));
  }
}
