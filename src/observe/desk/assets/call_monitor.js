/** One call, watched closely: the large timeline, meters, measurements, events with reasons. */

import { api } from "./api.js";
import { DrawingLoop } from "./drawing_loop.js";
import { EventList } from "./event_list.js";
import { h, minus, setText, update } from "./dom.js";
import { feed } from "./live_feed.js";
import { Meters, newestLevels } from "./meters.js";
import { poll } from "./polling.js";
import { shortId } from "./call_row.js";
import { describe, drawTimeline, fitCanvas, heightOf, LARGE } from "./timeline.js";
import { timelineKey } from "./timeline_key.js";
import { COUNTERS, framesAsTime, reasonSentence, STATES, stateName } from "./words.js";

const SPANS_S = [10, 30, 60];
const RELOAD_EVERY_MS = 4000; // counters and, should the feed have lost some, events
const LOOKS_AFTER_END = 3;
const RELOAD_AFTER_EVENT_MS = 200;
const TOLD_EVERY_MS = 5000;
const FACTS_EVERY_MS = 250;

const decibels = (value) =>
  value === null || value === undefined ? "–" : `${minus(value.toFixed(1))} dB`;
const logit = (value) => (value === null || value === undefined ? "–" : minus(value.toFixed(1)));
const milliseconds = (value) =>
  value === null || value === undefined ? "–" : `${value.toFixed(0)} ms`;

/** What is measured, as rows of name, text, and what it is. */
function factRows(newest, now) {
  const [, , , , vad, nearEnd, speech, evidenceMs] = newest ?? [];
  return [
    [
      "Echo path delay",
      milliseconds(now?.echo_delay_ms),
      "from the agent's sound sent to its echo",
    ],
    ["Echo return loss", decibels(now?.erl_db), "how much weaker the echo comes back"],
    ["Taken out further", decibels(now?.erle_db), "by the detector's own filter"],
    ["Evidence of the caller", milliseconds(evidenceMs ?? 0), "gathered over the agent so far"],
    ["Caller over agent", logit(nearEnd), "log odds of the echo-aware detector"],
    ["Speech", logit(speech), "log odds of the guard"],
    [
      "Voice activity",
      vad === null || vad === undefined ? "–" : `${Math.round(vad)} %`,
      "smoothed",
    ],
    ["Turned down by", decibels(now?.attenuation_db), "a voice below the caller's"],
  ];
}

export class CallMonitor extends EventTarget {
  #callId;
  #spanS = 30;
  #heldMs = null; // time at the right edge while the picture is held
  #width = 0;
  #newest = null;
  #eventCount = 0;
  #factsAt = 0;
  #toldAt = -Infinity;
  #reloadTimer = 0;
  #looksAfter = 0;
  #reload;
  #held = null;
  #isOver = false;
  #onTick = () => this.#tick();
  #onDetail = ({ detail }) => (this.#newest = detail);

  /**
   * Dispatches `call` with what the server knows of it, and `lost` where it knows no such call.
   *
   * @param {string} callId
   */
  constructor(callId) {
    super();
    this.#callId = callId;
    const name = `call ${shortId(callId)}`;
    this.canvas = h("canvas", {
      class: "timeline",
      role: "img",
      "aria-label": `Timeline of ${name}`,
    });
    this.canvas.style.height = `${heightOf(LARGE)}px`;
    this.state = h("p", { class: "now" }, h("span", { class: "chip" }), h("span"));
    this.meters = new Meters(name);
    this.facts = h("dl", { class: "facts" });
    this.counters = h("dl", { class: "facts" });
    this.events = new EventList();
    this.element = h(
      "div",
      { class: "monitor" },
      (this.timeline = this.#timelinePanel()),
      (this.side = this.#side()),
      this.#bottom(),
    );
    this.width = new ResizeObserver(
      ([entry]) => (this.#width = Math.floor(entry.contentRect.width)),
    );
    this.width.observe(this.canvas);
    this.release = feed.watch();
    feed.addEventListener("tick", this.#onTick);
    feed.addEventListener("detail", this.#onDetail);
    feed.focus(callId);
    this.loop = new DrawingLoop((now) => this.#draw(now));
    this.#showFacts();
    this.#reload = poll(() => this.#ask(), RELOAD_EVERY_MS);
  }

  leave() {
    this.#isOver = true;
    clearTimeout(this.#reloadTimer);
    this.#reload.stop();
    this.loop.stop();
    this.width.disconnect();
    feed.removeEventListener("tick", this.#onTick);
    feed.removeEventListener("detail", this.#onDetail);
    feed.focus(null);
    this.release();
  }

  #timelinePanel() {
    this.hold = h(
      "button",
      {
        type: "button",
        class: "small",
        "aria-pressed": "false",
        on: { click: () => this.#toggleHold() },
      },
      "Hold",
    );
    const spans = h(
      "select",
      {
        id: `span-${this.#callId}`,
        on: { change: () => (this.#spanS = Number(spans.value)) },
      },
      SPANS_S.map((s) => h("option", { value: String(s), selected: s === this.#spanS }, `${s} s`)),
    );
    return h(
      "section",
      { class: "panel wide", "aria-label": "Timeline" },
      h(
        "div",
        { class: "panel-head" },
        this.state,
        h(
          "div",
          { class: "actions" },
          h("label", { class: "hidden-text", htmlFor: spans.id }, "Length of the timeline"),
          spans,
          this.hold,
        ),
      ),
      h("div", { class: "lanes" }, h("span", {}, "agent"), h("span", {}, "line"), this.canvas),
      timelineKey(),
    );
  }

  #side() {
    return h(
      "section",
      { class: "panel", "aria-labelledby": "measured" },
      h("h2", { id: "measured" }, "Measured now"),
      this.meters.element,
      this.facts,
    );
  }

  #bottom() {
    return [
      h(
        "section",
        { class: "panel", "aria-labelledby": "events" },
        h("h2", { id: "events" }, "What happened, newest first"),
        this.events.element,
      ),
      h(
        "section",
        { class: "panel", "aria-labelledby": "counters" },
        h("h2", { id: "counters" }, "Counters of the call"),
        this.counters,
      ),
    ];
  }

  #toggleHold() {
    const live = feed.find(this.#callId) ?? this.#held;
    this.#heldMs = this.#heldMs === null && live ? feed.displayMs() : null;
    this.hold.setAttribute("aria-pressed", String(this.#heldMs !== null));
    setText(this.hold, this.#heldMs === null ? "Hold" : "Go on");
  }

  #tick() {
    const live = feed.find(this.#callId);
    if (live === null) {
      if (this.#held !== null && !this.hold.disabled) this.#endNow();
      return;
    }
    this.#held = live; // what was drawn stays after the call's end
    const { track } = live;
    if (track.count === 0) return;
    const now = performance.now();
    this.meters.show(newestLevels(live.fine ?? track), now);
    this.#showState(live);
    if (now - this.#factsAt > FACTS_EVERY_MS) {
      this.#factsAt = now;
      this.#showFacts();
    }
    if (
      track.events.length !== this.#eventCount ||
      track.events.at(-1)?.t_ms !== this.lastEventMs
    ) {
      this.#eventCount = track.events.length;
      this.lastEventMs = track.events.at(-1)?.t_ms;
      this.#reloadIn(RELOAD_AFTER_EVENT_MS);
    }
  }

  #endNow() {
    if (this.#heldMs === null) this.#heldMs = this.#held.track.newestMs;
    this.hold.disabled = true;
    this.#reload.now();
  }

  #showState({ call, track }) {
    const state = call.gated ? track.states[track.newestAt] : "off";
    const [chip, words] = this.state.children;
    chip.dataset.state = state;
    setText(chip, stateName(state));
    setText(words, call.gated ? reasonSentence(track.reasons[track.newestAt]) : STATES.off.tells);
  }

  #showFacts() {
    const rows = factRows(this.#newest?.newest, this.#newest?.now);
    if (this.facts.childElementCount === 0) {
      update(
        this.facts,
        rows.map(([name, , tells]) => [h("dt", { title: tells }, name), h("dd")]),
      );
    }
    rows.forEach(([, text], n) => setText(this.facts.children[2 * n + 1], text));
  }

  #reloadIn(ms) {
    clearTimeout(this.#reloadTimer);
    this.#reloadTimer = setTimeout(this.#reload.now, ms);
  }

  async #ask() {
    try {
      const call = await api.call(this.#callId);
      if (this.#isOver) return;
      this.events.show(call.events);
      this.#showCounters(call);
      this.#showOnlyWhatThereIs(call.end !== null);
      this.dispatchEvent(new CustomEvent("call", { detail: call }));
      // The recording of a call is still written when it ends.
      if (call.end && (call.recorded || ++this.#looksAfter === LOOKS_AFTER_END)) this.#reload.stop();
    } catch (error) {
      if (this.#isOver) return;
      this.dispatchEvent(new CustomEvent("lost", { detail: error }));
      if (error.code !== "not_found") return;
      this.element.hidden = this.#held === null;
      this.#reload.stop();
    }
  }

  /** Of a call that was over before anybody looked there is no timeline, and nothing to measure. */
  #showOnlyWhatThereIs(isEnded) {
    const isUnseen = isEnded && this.#held === null;
    this.element.classList.toggle("unseen", isUnseen);
    for (const panel of [this.timeline, this.side]) panel.hidden = isUnseen;
  }

  #showCounters(call) {
    const counters = call.counters ?? call.end?.counters;
    if (!counters) {
      update(
        this.counters,
        h("dt", {}, call.gated ? "None yet" : "The gate does not count what it does not touch"),
        h("dd"),
      );
      return;
    }
    const known = Object.entries(COUNTERS).filter(([name]) => counters[name] !== undefined);
    update(
      this.counters,
      known.map(([name, label]) => {
        const isTime = name.endsWith("_frames");
        const text = isTime ? framesAsTime(counters[name]) : String(counters[name]);
        return [
          h("dt", {}, label),
          h("dd", { data: { counter: name, value: counters[name] } }, text),
        ];
      }),
    );
  }

  #draw(now) {
    if (this.#width === 0 || this.#held === null) return;
    const track = this.#held.fine ?? this.#held.track;
    const endMs = this.#heldMs ?? feed.displayMs();
    const spanMs = this.#spanS * 1000;
    const context = fitCanvas(this.canvas, this.#width, heightOf(LARGE));
    drawTimeline(context, this.#width, track, endMs, spanMs, LARGE);
    if (now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    this.canvas.setAttribute(
      "aria-label",
      `Timeline. ${describe(track, endMs, spanMs)} The events are listed below.`,
    );
  }
}
