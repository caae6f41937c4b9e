/** The live view: every running call as a row, with meters and a scrolling timeline. */

import { api } from "./api.js";
import { CallRow } from "./call_row.js";
import { DrawingLoop } from "./drawing_loop.js";
import { endedTable, MOST_ENDED } from "./ended_calls.js";
import { fill, h, plural, setText, timeOfDay, update } from "./dom.js";
import { feed } from "./live_feed.js";
import { timelineKey } from "./timeline_key.js";

const HEAD_EVERY_MS = 1000;

class LiveView {
  /** @type {Map<number, CallRow>} */
  #rows = new Map();
  #headAt = 0;
  #wanted = "";
  #feedRow = () => this.#newest();
  #feedRoster = () => this.#enrol();
  #feedStatus = () => {
    this.#tellEmpty();
    this.#tellTrouble();
    this.#tellRate();
  };
  #askedEnded = 0;

  constructor(root) {
    this.rate = h("p", { class: "aside", id: "rate", data: { updates: "0", pictures: "0" } });
    this.list = h("ul", { class: "rows", "aria-label": "Running calls" });
    this.empty = h("div", { class: "empty", hidden: true });
    this.trouble = h("p", { class: "banner", role: "alert", hidden: true, data: { kind: "bad" } });
    this.ended = h("section", {
      class: "panel ended",
      hidden: true,
      "aria-labelledby": "ended-head",
    });
    this.filter = h("input", {
      type: "search",
      id: "filter",
      placeholder: "call, line or provider",
      autocomplete: "off",
      on: { input: () => this.#find() },
    });
    const tools = h(
      "div",
      { class: "tools" },
      h("label", { htmlFor: "filter" }, "Find"),
      this.filter,
    );
    fill(
      root,
      h("div", { class: "view-head" }, h("h1", {}, "Live calls"), tools, this.rate),
      this.trouble,
      timelineKey(),
      this.list,
      this.empty,
      this.ended,
    );
    this.sight = new IntersectionObserver((entries) => this.#see(entries), {
      rootMargin: "80px",
    });
    this.width = new ResizeObserver((entries) => this.#measure(entries));
    this.release = feed.watch();
    feed.addEventListener("roster", this.#feedRoster);
    feed.addEventListener("tick", this.#feedRow);
    feed.addEventListener("status", this.#feedStatus);
    this.loop = new DrawingLoop((now) => this.#draw(now));
    this.#enrol();
  }

  leave() {
    this.loop.stop();
    this.sight.disconnect();
    this.width.disconnect();
    feed.removeEventListener("roster", this.#feedRoster);
    feed.removeEventListener("tick", this.#feedRow);
    feed.removeEventListener("status", this.#feedStatus);
    this.release();
  }

  #enrol() {
    for (const [k, row] of this.#rows) {
      if (feed.calls.get(k)?.call.call_id === row.live.call.call_id) continue;
      this.sight.unobserve(row.element);
      this.width.unobserve(row.canvas);
      row.element.remove();
      this.#rows.delete(k);
    }
    for (const [k, live] of feed.calls) {
      if (this.#rows.has(k)) this.#rows.get(k).rename(live);
      else this.#add(k, new CallRow(live));
    }
    this.#find();
    this.#loadEnded();
  }

  #add(k, row) {
    this.#rows.set(k, row);
    this.list.append(row.element);
    this.sight.observe(row.element);
    this.width.observe(row.canvas);
  }

  #find() {
    this.#wanted = this.filter.value.trim().toLowerCase();
    let found = 0;
    for (const row of this.#rows.values()) {
      row.element.hidden = !row.matches(this.#wanted);
      found += row.element.hidden ? 0 : 1;
    }
    this.list.hidden = found === 0;
    this.#tellEmpty();
  }

  #tellEmpty() {
    const isNothingFound = feed.calls.size > 0 && this.list.hidden;
    this.empty.hidden = feed.calls.size > 0 && !isNothingFound;
    if (this.empty.hidden) return;
    if (isNothingFound) {
      const words = `${plural(feed.calls.size, "call")} running. Find looks at id, line and provider.`;
      fill(this.empty, h("b", {}, `No call has “${this.#wanted}”`), words);
      return;
    }
    if (feed.status !== "live")
      fill(this.empty, h("b", {}, feed.trouble || "Connecting to the engine"));
    else {
      fill(
        this.empty,
        h("b", {}, "No calls at the moment"),
        "Calls show up here as they come. ",
        h("a", { href: "#/phone" }, "Call from this browser"),
        " to see one.",
      );
    }
  }

  /** Old levels must not be taken for new ones. */
  #tellTrouble() {
    const isLost = feed.trouble !== "" && feed.status !== "live";
    this.list.classList.toggle("stale", isLost);
    if (isLost && this.trouble.hidden) {
      const since = this.#rows.size > 0 ? ` What stands below is from ${timeOfDay(Date.now())}.` : "";
      setText(this.trouble, `${feed.trouble}${since}`);
    }
    this.trouble.hidden = !isLost;
  }

  async #loadEnded() {
    const asked = ++this.#askedEnded;
    try {
      const { ended } = await api.calls();
      if (asked !== this.#askedEnded) return;
      this.ended.hidden = ended.length === 0;
      const heading = h("h2", { id: "ended-head" }, "Ended lately");
      const more = ended.length > MOST_ENDED && `The newest ${MOST_ENDED} of ${ended.length}.`;
      update(this.ended, heading, h("p", { class: "note", hidden: !more }, more), endedTable(ended));
    } catch {
      this.ended.hidden = true; // the bar says that the server is not reached
    }
  }

  #see(entries) {
    for (const { target, isIntersecting } of entries) {
      const row = this.#rows.get(Number(target.dataset.k));
      if (row) row.isSeen = isIntersecting;
    }
  }

  #measure(entries) {
    for (const { target, contentRect } of entries) {
      const row = this.#rows.get(Number(target.dataset.k));
      if (row) row.width = Math.floor(contentRect.width);
    }
  }

  #newest() {
    const now = performance.now();
    for (const row of this.#rows.values()) if (row.isSeen) row.showNewest(now);
  }

  /** How fresh the page is: an operator must see when it isn't. */
  #tellRate() {
    const [updates, pictures] = [feed.rateHz(), this.loop.rateHz()];
    Object.assign(this.rate.dataset, {
      updates: updates.toFixed(1),
      pictures: pictures.toFixed(1),
    });
    this.rate.dataset.kind = feed.trouble ? "bad" : "good";
    const fresh = `${plural(feed.calls.size, "call")} · ${updates.toFixed(0)} updates a second`;
    setText(this.rate, feed.trouble ? "Not connected" : fresh);
  }

  #draw(now) {
    if (now - this.#headAt > HEAD_EVERY_MS) {
      this.#headAt = now;
      this.#tellRate();
    }
    const endMs = feed.displayMs();
    for (const row of this.#rows.values()) if (row.isSeen) row.draw(endMs, now);
  }
}

/** Put the view into an element. */
export function mountLive(root) {
  const live = new LiveView(root);
  return () => live.leave();
}
