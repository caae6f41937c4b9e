/**
 * Changes the sample rate of a stream, sample by sample.
 *
 * A windowed sinc in phases (Kaiser window, stopband from half the lower rate on, 70 dB down): what
 * the lower rate can't carry does not come back as another tone, and the delay is the same for ever
 * (32 samples of the lower rate, 2 ms at 16 kHz). How the input is cut into blocks changes nothing.
 */

const ZERO_CROSSINGS = 32; // on each side of the sinc
const STOPBAND_DB = 70;
// Kaiser's formulas (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.3).
const BETA = 0.1102 * (STOPBAND_DB - 8.7);
const TRANSITION = (STOPBAND_DB - 8) / (2.285 * 2 * ZERO_CROSSINGS * 2 * Math.PI);
const CUTOFF = 0.5 - TRANSITION / 2; // of the lower rate, in the middle of the transition

export class Resampler {
  /**
   * @param {number} fromHz Rate of what is pushed, a whole number.
   * @param {number} toHz Rate of what comes out, a whole number.
   */
  constructor(fromHz, toHz) {
    const divisor = greatestCommonDivisor(fromHz, toHz);
    this.up = toHz / divisor;
    this.down = fromHz / divisor;
    this.taps = 2 * Math.ceil(ZERO_CROSSINGS * Math.max(1, fromHz / toHz));
    this.table = fromHz === toHz ? null : makeTable(this.up, this.taps, Math.min(1, toHz / fromHz));
    // Every sample is written twice, so that the newest ones always lie in one piece.
    this.history = new Float32Array(2 * this.taps);
    this.newest = 0;
    this.phase = 0; // of the next output behind the next input, in parts of an input sample
  }

  /**
   * Take one sample.
   *
   * @param {number} sample
   * @param {(sample: number) => void} emit Called for each sample that it completes.
   */
  push(sample, emit) {
    if (this.table === null) {
      emit(sample);
      return;
    }
    this.newest = (this.newest + this.taps - 1) % this.taps;
    this.history[this.newest] = sample;
    this.history[this.newest + this.taps] = sample;
    while (this.phase < this.up) {
      emit(this.#filtered());
      this.phase += this.down;
    }
    this.phase -= this.up;
  }

  #filtered() {
    const row = this.phase * this.taps;
    let sum = 0;
    for (let tap = 0; tap < this.taps; tap++) {
      sum += this.table[row + tap] * this.history[this.newest + tap];
    }
    return sum;
  }
}

/** Return the filter of every phase, one after the other; each lets a constant pass unchanged. */
function makeTable(up, taps, lowerRate) {
  const table = new Float32Array(up * taps);
  const half = taps / 2;
  for (let phase = 0; phase < up; phase++) {
    const row = new Float64Array(taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const at = tap + phase / up - half;
      row[tap] = sinc(2 * CUTOFF * lowerRate * at) * kaiser(at / half);
      sum += row[tap];
    }
    for (let tap = 0; tap < taps; tap++) table[phase * taps + tap] = row[tap] / sum;
  }
  return table;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
  return bessel(BETA * Math.sqrt(Math.max(0, 1 - x * x))) / bessel(BETA);
}

/** The modified Bessel function of order 0, by its power series. */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
