/** Four meters of a call: far end, capture, near-end estimate, noise floor. */

import { h, level, setText } from "./dom.js";

const QUIETEST_DBFS = -75;
const READ_EVERY_MS = 250; // more often nobody could read
const FAR_OFF_DB = 6; // a number never contradicts its bar
const SPOKEN_EVERY_MS = 1000; // nor listen

const NAMES = [
  ["far_end", "Far end", "what the caller hears of the agent"],
  ["capture", "Capture", "what the line delivers"],
  ["near_end", "Near end", "the caller without the echo, estimated"],
  ["noise_floor", "Noise floor", "what the guard takes for the quiet line"],
];

export class Meters {
  #bars = [];
  #readAt = 0;
  #spokenAt = 0;

  /** @param {string} callName Said with each meter to those who don't see them. */
  constructor(callName) {
    this.element = h(
      "div",
      { class: "meters" },
      NAMES.map(([name, label, tells]) => {
        const fill = h("span", { class: "fill" });
        const value = h("span", { class: "value", "aria-hidden": "true" }, "–");
        const track = h(
          "span",
          {
            class: "track",
            role: "meter",
            "aria-label": `${label} of ${callName}`,
            "aria-valuemin": QUIETEST_DBFS,
            "aria-valuemax": 0,
            "aria-valuenow": QUIETEST_DBFS,
          },
          fill,
        );
        this.#bars.push({ name, fill, value, track, share: "", read: -96 });
        const title = h("span", { class: "name", title: tells }, label);
        return h("div", { class: "meter", data: { level: name } }, title, track, value);
      }),
    );
  }

  /** @param {Record<string, number | null>} levels dBFS by name. */
  show(levels, nowMs) {
    const isRead = nowMs - this.#readAt > READ_EVERY_MS;
    const isSpoken = nowMs - this.#spokenAt > SPOKEN_EVERY_MS;
    if (isRead) this.#readAt = nowMs;
    if (isSpoken) this.#spokenAt = nowMs;
    for (const bar of this.#bars) {
      const dbfs = levels[bar.name];
      const isKnown = dbfs !== null && dbfs > -90;
      const share = isKnown ? Math.max(0, 1 - Math.min(0, dbfs) / QUIETEST_DBFS).toFixed(2) : "0";
      if (share !== bar.share) bar.fill.style.transform = `scaleX(${share})`;
      bar.share = share;
      const heard = isKnown ? dbfs : -96;
      if (isRead || Math.abs(heard - bar.read) > FAR_OFF_DB) {
        bar.read = heard;
        setText(bar.value, isKnown ? level(dbfs) : "–");
      }
      if (isSpoken) speak(bar.track, isKnown ? Math.round(dbfs) : null);
    }
  }
}

function speak(meter, dbfs) {
  const inside = Math.max(QUIETEST_DBFS, Math.min(0, dbfs ?? QUIETEST_DBFS));
  meter.setAttribute("aria-valuenow", String(inside));
  meter.setAttribute("aria-valuetext", dbfs === null ? "not measured" : `${dbfs} dBFS`);
}

/** The newest levels of a track, dBFS by name; null where nothing is measured. */
export function newestLevels(track) {
  const at = track.newestAt;
  const levels = Object.entries(track.levels).map(([name, ring]) => [
    name,
    track.count > 0 ? ring[at] : -96,
  ]);
  return Object.fromEntries(levels);
}
