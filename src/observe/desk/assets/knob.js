/** A slider with its value in words, and a place at its left end that is off. */

import { h, setText } from "./dom.js";

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.label
 * @param {number} options.min
 * @param {number} options.max
 * @param {number} options.step
 * @param {number | null} options.value null: off.
 * @param {boolean} [options.isAlwaysOn] There is no off.
 * @param {(value: number) => string} options.text
 * @param {(value: number | null) => void} options.onInput null: off.
 */
export function knob({ id, label, min, max, step, value, isAlwaysOn = false, text, onInput }) {
  const off = isAlwaysOn ? null : min - step;
  const output = h("output", { htmlFor: id });
  const input = h("input", {
    type: "range",
    id,
    min: String(off ?? min),
    max: String(max),
    step: String(step),
    on: { input: () => take() },
  });
  input.value = String(value ?? off);
  const current = () => (off !== null && Number(input.value) === off ? null : Number(input.value));
  const show = () => {
    const words = current() === null ? "off" : text(current());
    setText(output, words);
    input.setAttribute("aria-valuetext", words);
  };
  const take = () => {
    show();
    onInput(current());
  };
  show();
  return h("div", { class: "knob" }, h("label", { htmlFor: id }, label), output, input);
}
