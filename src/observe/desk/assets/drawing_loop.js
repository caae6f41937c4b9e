/**
 * Draws what is in sight, at up to 30 pictures a second, as long as the tab is seen.
 *
 * Who prefers less motion gets a picture a second.
 */

const EVERY_MS = 1000 / 31;
const CALM_EVERY_MS = 1000;
const RATE_WINDOW = 30;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class DrawingLoop {
  #draw;
  #request = 0;
  #drawnAt = -Infinity;
  #times = [];

  /** @param {(nowMs: number) => void} draw */
  constructor(draw) {
    this.#draw = draw;
    this.#next();
  }

  /** Pictures a second. */
  rateHz() {
    const times = this.#times;
    return times.length < 3 ? 0 : ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  }

  stop() {
    cancelAnimationFrame(this.#request);
  }

  #next() {
    this.#request = requestAnimationFrame((now) => {
      this.#next();
      if (now - this.#drawnAt < (calm.matches ? CALM_EVERY_MS : EVERY_MS)) return;
      this.#drawnAt = now;
      this.#times.push(now);
      if (this.#times.length > RATE_WINDOW) this.#times.shift();
      this.#draw(now);
    });
  }
}
