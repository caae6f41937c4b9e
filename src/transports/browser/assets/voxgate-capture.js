/**
 * Captures: the microphone at the context's rate comes in, 20 ms frames of PCM16 at 16 kHz go out.
 *
 * Frames come as long as the context runs, also where the source delivers nothing (as zeros), so
 * that the number of a sample is its time.
 */

import { Resampler } from "./voxgate-resampler.js";

const RATE_HZ = 16000;
const FRAME_SAMPLES = 320;

class VoxgateCapture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE_HZ);
    this.frame = new Int16Array(FRAME_SAMPLES);
    this.filled = 0;
    this.isOver = false;
    this.emit = (sample) => this.#take(sample);
    this.port.onmessage = () => (this.isOver = true);
  }

  process(inputs, outputs) {
    const samples = inputs[0][0];
    const length = outputs[0][0].length;
    for (let i = 0; i < length; i++) this.resampler.push(samples ? samples[i] : 0, this.emit);
    return !this.isOver;
  }

  #take(sample) {
    const scaled = Math.round(sample * 32768);
    this.frame[this.filled++] = Math.max(-32768, Math.min(32767, scaled));
    if (this.filled === FRAME_SAMPLES) {
      this.port.postMessage(this.frame, [this.frame.buffer]);
      this.frame = new Int16Array(FRAME_SAMPLES);
      this.filled = 0;
    }
  }
}

registerProcessor("voxgate-capture", VoxgateCapture);
