/**
 * Plays out: frames of PCM16 at 16 kHz come in by messages, sound at the context's rate goes out.
 *
 * What comes is played at once, and in order: the server sends 200 ms ahead of real time, and that
 * is the jitter buffer. What was handed to the sound device is played, as nothing takes it back; the
 * rest is forgotten on a flush, with a fade of 5 ms. Each frame played is reported, with the number
 * of the flush behind which it came.
 */

import { Resampler } from "./voxgate-resampler.js";

const RATE_HZ = 16000;
const FRAME_SAMPLES = 320;
const FADE_SAMPLES = 80;
const MAX_HELD_SAMPLES = 5 * RATE_HZ; // beyond, the oldest goes: nobody waits so long for a word
// What goes counts as played, as it is over: else the server would wait for it as long as the page
// had stood still, and the agent would be silent for that time.

class VoxgatePlayout extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(RATE_HZ, sampleRate);
    this.chunks = [];
    this.offset = 0; // into the first chunk
    this.held = 0; // samples in all chunks
    this.dropped = 0; // samples lost because too many were held
    this.flushNumber = 0;
    this.played = 0; // samples since that flush
    this.reported = 0; // frames
    this.tail = new Float32Array(0); // what fades out
    this.tailAt = 0;
    this.fadeIn = 0; // samples of what comes next that still fade in
    this.isOver = false;
    this.out = new Float32Array(4096); // at the context's rate; a push gives a few at a time
    this.ready = 0; // samples in it
    this.emit = (sample) => (this.out[this.ready++] = sample);
    this.port.onmessage = ({ data }) => this.#receive(data);
  }

  process(_inputs, outputs) {
    const { length } = outputs[0][0];
    while (this.ready < length) this.resampler.push(this.#next(), this.emit);
    for (const channel of outputs[0]) channel.set(this.out.subarray(0, length));
    this.out.copyWithin(0, length, this.ready);
    this.ready -= length;
    this.#report();
    return !this.isOver;
  }

  #receive(message) {
    if (message.type === "audio") this.#hold(message.samples);
    else if (message.type === "flush") this.#flush(message.flush);
    else this.isOver = true;
  }

  #hold(samples) {
    this.chunks.push(samples);
    this.held += samples.length;
    while (this.held > MAX_HELD_SAMPLES) {
      this.#take();
      this.dropped++;
    }
  }

  #flush(number) {
    const tail = new Float32Array(Math.min(FADE_SAMPLES, this.held));
    for (let i = 0; i < tail.length; i++) tail[i] = this.#take() * (1 - (i + 1) / FADE_SAMPLES);
    this.tail = tail;
    this.tailAt = 0;
    this.fadeIn = tail.length;
    this.chunks = [];
    this.offset = this.held = 0;
    this.flushNumber = number;
    this.played = this.reported = 0;
  }

  /** Return the next sample at 16 kHz: of what is held, of what fades out, of both, or silence. */
  #next() {
    let sample = this.tailAt < this.tail.length ? this.tail[this.tailAt++] : 0;
    if (this.held > 0) {
      const gain = this.fadeIn > 0 ? 1 - this.fadeIn-- / FADE_SAMPLES : 1;
      sample += this.#take() * gain;
    }
    return sample;
  }

  #take() {
    const [chunk] = this.chunks;
    const sample = chunk[this.offset++] / 32768;
    if (this.offset === chunk.length) {
      this.chunks.shift();
      this.offset = 0;
    }
    this.held--;
    this.played++;
    return sample;
  }

  #report() {
    const frames = Math.floor(this.played / FRAME_SAMPLES);
    if (frames === this.reported) return;
    this.reported = frames;
    this.port.postMessage({
      frames,
      flush: this.flushNumber,
      heldMs: (this.held * 1000) / RATE_HZ,
      droppedMs: (this.dropped * 1000) / RATE_HZ,
    });
  }
}

registerProcessor("voxgate-playout", VoxgatePlayout);
