/** One running call in the live view. */

import { clock, h, setText } from "./dom.js";
import { feed } from "./live_feed.js";
import { Meters, newestLevels } from "./meters.js";
import { describe, drawTimeline, fitCanvas, heightOf, ROW } from "./timeline.js";
import { reasonShort, stateName } from "./words.js";

const MS_PER_PIXEL = 40;
const DESCRIBED_EVERY_MS = 5000;

/** An id that fits; the whole one stands in the title. */
export function shortId(callId) {
  return callId.length > 18 ? `${callId.slice(0, 8)}…${callId.slice(-5)}` : callId;
}

export class CallRow {
  isSeen = false;
  width = 0;
  #describedAt = -Infinity;
  #state = null;

  /** @param {import("./live_feed.js").LiveCall} live */
  constructor(live) {
    this.live = live;
    const { k, call_id: id } = live.call;
    const name = `call ${shortId(id)}`;
    this.link = h("a", { href: `#/calls/${encodeURIComponent(id)}`, title: id }, shortId(id));
    this.chip = h("span", { class: "chip" });
    this.reason = h("span", { class: "reason" });
    this.facts = h("p", { class: "note" });
    this.duration = h("span", { class: "duration" });
    this.meters = new Meters(name);
    this.canvas = h("canvas", {
      class: "timeline",
      role: "img",
      "aria-label": `Timeline of ${name}`,
      data: { k },
    });
    this.canvas.style.height = `${heightOf(ROW)}px`;
    const who = h(
      "div",
      { class: "who" },
      h("h2", {}, this.link, this.duration),
      this.facts,
      h("p", { class: "gate" }, this.chip, this.reason),
    );
    this.element = h("li", { class: "row", data: { k } }, who, this.meters.element, this.canvas);
    this.rename(live);
  }

  /** The roster has told anew of this call: it may have another provider. */
  rename(live) {
    this.live = live;
    const { provider, line, call_id: id } = live.call;
    setText(this.facts, [line, provider].filter(Boolean).join(" → "));
    this.words = `${id} ${provider} ${line ?? ""}`.toLowerCase();
  }

  matches(wanted) {
    return this.words.includes(wanted);
  }

  /** What the newest tick said, in words and meters. */
  showNewest(now) {
    const { track, call } = this.live;
    if (track.count === 0) return;
    const state = call.gated ? track.states[track.newestAt] : "off";
    if (state !== this.#state) {
      this.#state = state;
      this.chip.dataset.state = state;
      setText(this.chip, stateName(state));
    }
    setText(this.reason, call.gated ? reasonShort(track.reasons[track.newestAt]) : "");
    setText(this.duration, clock(Date.now() - Date.parse(call.started_at)));
    this.meters.show(newestLevels(track), now);
  }

  draw(endMs, now) {
    if (this.width === 0) return;
    const spanMs = this.width * MS_PER_PIXEL;
    const context = fitCanvas(this.canvas, this.width, heightOf(ROW));
    drawTimeline(context, this.width, this.live.track, endMs, spanMs, ROW);
    if (now - this.#describedAt < DESCRIBED_EVERY_MS) return;
    this.#describedAt = now;
    const text = describe(this.live.track, feed.displayMs(), spanMs);
    this.canvas.setAttribute(
      "aria-label",
      `Timeline of call ${shortId(this.live.call.call_id)}. ${text}`,
    );
  }
}
