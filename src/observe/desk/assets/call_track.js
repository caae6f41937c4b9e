/**
 * What is known of one call for its timeline: the newest samples, in rings of fixed size, so that a
 * day of watching takes no more memory than the first minutes.
 *
 * Invariant: times rise. A sample says what was so up to its time, from that of the one before.
 */

const CAPACITY = 1024; // 80 s of ticks
const MAX_EVENTS = 200;
const LEVELS = ["far_end", "capture", "near_end", "noise_floor"];

/** A level that draws nothing. */
export const SILENT_DBFS = -96;

/** Reasons for which what the line delivers is the caller's voice, where no filter measures it. */
const CALLER_REASONS = new Set(["caller_speech", "barge_in", "caller_turn", "provider_speech"]);

export class CallTrack {
  /** @param {number} [capacity] Samples that are kept. */
  constructor(capacity = CAPACITY) {
    this.capacity = capacity;
    this.times = new Float64Array(capacity);
    this.levels = Object.fromEntries(LEVELS.map((name) => [name, new Float32Array(capacity)]));
    /** @type {string[]} */
    this.states = new Array(capacity);
    /** @type {string[]} */
    this.reasons = new Array(capacity);
    this.forwarded = new Uint8Array(capacity);
    /** Whether the gate takes what is left without the echo for the caller. */
    this.isCaller = new Uint8Array(capacity);
    this.count = 0; // samples ever; the newest lies at (count - 1) % capacity
    /** @type {{t_ms: number, type: string, reason: string, count: number}[]} */
    this.events = []; // oldest first
  }

  /** A larger one with the same samples. */
  static copyOf(track, capacity) {
    const copy = new CallTrack(capacity);
    for (let n = 0; n < track.size; n++) {
      const at = track.at(n);
      const levels = Object.fromEntries(LEVELS.map((name) => [name, track.levels[name][at]]));
      copy.addSample(
        track.times[at],
        track.states[at],
        track.reasons[at],
        levels,
        track.forwarded[at] === 1,
      );
      copy.isCaller[copy.newestAt] = track.isCaller[at];
    }
    return copy;
  }

  /** How many samples are held. */
  get size() {
    return Math.min(this.count, this.capacity);
  }

  /** Time of the newest sample, ms of the server. */
  get newestMs() {
    return this.count > 0 ? this.times[this.newestAt] : -Infinity;
  }

  /** The ring's place of the newest sample. */
  get newestAt() {
    return (this.count - 1) % this.capacity;
  }

  /**
   * @param {number} tMs Its end; one that is not newer than the newest is left out.
   * @param {string} state Empty where nothing is known.
   * @param {string} reason
   * @param {Record<string, number | null>} levels dBFS by name; null where nothing is measured.
   * @param {boolean} forwarded Whether the provider got it.
   * @param {number | null} [nearEndLogit] Log odds of the caller over the agent, where asked.
   */
  addSample(tMs, state, reason, levels, forwarded, nearEndLogit = null) {
    if (!(tMs > this.newestMs)) return;
    const at = this.count++ % this.capacity;
    this.times[at] = tMs;
    this.states[at] = state;
    this.reasons[at] = reason;
    this.forwarded[at] = forwarded ? 1 : 0;
    this.isCaller[at] = state !== "closed" || nearEndLogit > 0 ? 1 : 0;
    for (const name of LEVELS) this.levels[name][at] = levels[name] ?? SILENT_DBFS;
    const isUnmeasured = levels.near_end === null || levels.near_end === undefined;
    if (isUnmeasured && CALLER_REASONS.has(reason))
      this.levels.near_end[at] = levels.capture ?? SILENT_DBFS;
  }

  /** Keep an event; the same one told twice is kept once. */
  addEvent(event) {
    const isKnown = this.events.some(
      (each) => each.t_ms === event.t_ms && each.type === event.type,
    );
    if (isKnown) return;
    this.events.push(event);
    if (this.events.length > MAX_EVENTS) this.events.shift();
  }

  /** The ring's place of the n-th sample held, oldest first. */
  at(n) {
    return (this.count - this.size + n) % this.capacity;
  }

  /** The first sample held that ends after a time, by halving. */
  firstAfter(tMs) {
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[this.at(middle)] <= tMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Calls `tell(at, fromMs, toMs)` for each sample of a stretch of time. */
  forSamples(fromMs, toMs, longestMs, tell) {
    for (let n = this.firstAfter(fromMs); n < this.size; n++) {
      const at = this.at(n);
      const endMs = this.times[at];
      const beginMs = Math.max(n > 0 ? this.times[this.at(n - 1)] : endMs - 80, endMs - longestMs);
      if (beginMs > toMs) break;
      tell(at, beginMs, endMs);
    }
  }

  /** Calls `tell(at, fromMs, toMs)` for each stretch in which `keyOf(at)` stays the same. */
  forStretches(keyOf, fromMs, toMs, longestMs, tell) {
    let [key, first, begin, end] = [null, -1, 0, 0];
    this.forSamples(fromMs, toMs, longestMs, (at, beginMs, endMs) => {
      const next = keyOf(at);
      if (next === key && beginMs - end < 1) {
        end = endMs;
        return;
      }
      if (first >= 0) tell(first, begin, end);
      [key, first, begin, end] = [next, at, beginMs, endMs];
    });
    if (first >= 0) tell(first, begin, end);
  }
}
