/** One threshold as a field of the form: control, unit, range, default, origin, effect, problem. */

import { h, setText } from "./dom.js";
import { isSame, rangeText, readEntry } from "./threshold_rules.js";
import { plain, valueText } from "./words.js";

const ORIGINS = {
  default: "default",
  profile: "from the profile",
  file: "from the file",
  environment: "from the environment",
  desk: "set at the desk",
};

export const EFFECTS = {
  running_calls: "at once, in running calls too",
  new_calls: "for new calls",
  restart: "after a restart",
};

const MOST_SLIDER_STEPS = 2000;

/** The unit as it stands behind a number. */
export function unitOf(field) {
  return field.unit === "probability" ? null : field.unit;
}

export class ThresholdField {
  #entry;

  /**
   * @param {import("./threshold_rules.js").Field & Record<string, any>} field
   * @param {() => void} onInput Told of every change by hand.
   */
  constructor(field, onInput) {
    this.field = field;
    this.onInput = onInput;
    this.id = `field-${field.key.replaceAll(".", "-")}`;
    this.#entry = this.#entryFor(field.value);
    this.problem = h("p", { class: "problem", id: `${this.id}-problem`, hidden: true });
    this.warning = h("p", { class: "warning", id: `${this.id}-warning`, hidden: true });
    this.choiceHelp = h("p", { class: "note choice-help" });
    this.effect = h(
      "span",
      { data: { effect: field.effect } },
      EFFECTS[field.effect] ?? plain(field.effect),
    );
    this.reset = h(
      "button",
      {
        type: "button",
        class: "quiet small take-back",
        on: { click: () => this.#takeBack() },
      },
      "Take back",
    );
    this.control = this.#makeControl();
    this.element = this.#layOut();
    this.#showChoice();
  }

  /** Value and problem of what stands in the field. */
  read() {
    return readEntry(this.field, this.#entry);
  }

  /** What is shown to be wrong about it; empty: nothing. */
  get problemText() {
    return this.problem.textContent;
  }

  /** Whether it is another value than the one in force; a wrong one is. */
  isChanged() {
    const { value, problem } = this.read();
    return problem !== undefined || !isSame(value, this.field.value);
  }

  /** Whether a text stands in label, key or help. */
  matches(wanted) {
    const { label, key, help } = this.field;
    return `${label} ${key} ${plain(key)} ${help}`.toLowerCase().includes(wanted);
  }

  /** @param {string} text Empty: nothing is wrong. */
  showProblem(text) {
    setText(this.problem, text);
    this.problem.hidden = text === "";
    if (text) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
    this.effect.hidden = text !== ""; // what is wrong takes no effect
    this.element.classList.toggle("changed", this.isChanged());
  }

  /** @param {string} text What is odd about the value, which may be applied; empty: nothing. */
  showWarning(text) {
    setText(this.warning, text);
    this.warning.hidden = text === "";
  }

  /** Put a value in; nobody is told. */
  set(value) {
    this.#entry = this.#entryFor(value);
    this.#writeControl();
    this.#showChoice();
  }

  #takeBack() {
    this.set(this.field.value);
    this.onInput();
    this.control.focus();
  }

  #entryFor(value) {
    if (this.field.type === "boolean" || this.field.type === "choice") return value;
    return Array.isArray(value) ? value.join(", ") : String(value ?? "");
  }

  #writeControl() {
    if (this.field.type === "boolean") this.control.checked = this.#entry === true;
    else this.control.value = this.#entry;
    if (this.slider) this.slider.value = this.#entry;
  }

  #layOut() {
    const { field } = this;
    const describedBy = h("p", { class: "note help", id: `${this.id}-help` }, field.help);
    const locked = field.locked && h("p", { class: "note locked" }, field.locked);
    const applies = field.applies && h("p", { class: "note applies" }, field.applies);
    const unit = unitOf(field) && h("span", { class: "unit" }, unitOf(field));
    const row = h("div", { class: "control" }, this.control, unit, this.slider, this.reset);
    const name = h(
      "label",
      { htmlFor: this.id },
      field.label,
      h("code", {}, field.key.split(".").at(-1)),
    );
    return h(
      "div",
      { class: "field", data: { key: field.key } },
      h("div", { class: "what" }, name, describedBy, applies, locked),
      h("div", { class: "entry" }, row, this.problem, this.warning, this.choiceHelp, this.#facts()),
    );
  }

  #facts() {
    const { field } = this;
    const range = rangeText(field);
    const isDefault = isSame(field.default, field.value);
    return h(
      "p",
      { class: "note facts-line", id: `${this.id}-facts` },
      range && h("span", {}, range),
      h("span", {}, `default ${shownValue(field, field.default)}`),
      (!isDefault || field.origin !== "default") &&
        h("span", { class: "origin" }, ORIGINS[field.origin] ?? plain(field.origin)),
      this.effect,
    );
  }

  #makeControl() {
    const { field } = this;
    const shared = {
      id: this.id,
      name: field.key,
      disabled: field.locked !== null && field.locked !== undefined,
      "aria-describedby": `${this.id}-problem ${this.id}-warning ${this.id}-help ${this.id}-facts`,
    };
    if (field.type === "boolean") return this.#makeSwitch(shared);
    if (field.type === "choice") return this.#makeSelect(shared);
    const isNumber = field.type !== "names";
    const input = h("input", {
      ...shared,
      type: "text",
      value: this.#entry,
      autocomplete: "off",
      spellcheck: false,
      inputMode: field.type === "integer" ? "numeric" : isNumber ? "decimal" : "text",
      class: isNumber ? "numeric" : "names",
      on: { input: () => this.#take(input.value) },
    });
    if (isNumber) {
      input.addEventListener("keydown", (event) => this.#step(event));
      this.slider = this.#makeSlider(shared.disabled);
    }
    return input;
  }

  #makeSwitch(shared) {
    const box = h("input", {
      ...shared,
      type: "checkbox",
      checked: this.#entry === true,
      on: { change: () => this.#take(box.checked) },
    });
    return box;
  }

  #makeSelect(shared) {
    const options = this.field.choices.map(({ value }) =>
      h("option", { value, selected: value === this.#entry }, plain(value)),
    );
    const select = h(
      "select",
      { ...shared, on: { change: () => this.#take(select.value) } },
      options,
    );
    return select;
  }

  /** For the mouse; with the keyboard the number itself goes up and down. */
  #makeSlider(disabled) {
    const { min, max, step } = this.field;
    if (typeof min !== "number" || typeof max !== "number" || disabled) return null;
    const fine = step ?? (this.field.type === "integer" ? 1 : (max - min) / 100);
    const coarse = Math.max(fine, (max - min) / MOST_SLIDER_STEPS);
    const slider = h("input", {
      type: "range",
      min: String(min),
      max: String(max),
      step: String(coarse),
      tabIndex: -1,
      "aria-hidden": "true",
      on: { input: () => this.#slide(slider.value) },
    });
    slider.value = String(this.#entry);
    return slider;
  }

  #slide(text) {
    const isWhole = this.field.type === "integer";
    this.control.value = isWhole
      ? String(Math.round(Number(text)))
      : String(Number(Number(text).toFixed(3)));
    this.#take(this.control.value, { isSlid: true });
  }

  #step(event) {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const value = Number(this.control.value);
    if (direction === undefined || this.control.value.trim() === "" || Number.isNaN(value)) return;
    event.preventDefault();
    const { min, max, step } = this.field;
    const next = value + direction * (step ?? 1) * (event.shiftKey ? 10 : 1);
    const inside = Math.min(max ?? next, Math.max(min ?? next, next));
    this.control.value = String(Number(inside.toFixed(4)));
    this.#take(this.control.value);
  }

  #take(entry, { isSlid = false } = {}) {
    this.#entry = entry;
    if (this.slider && !isSlid) this.slider.value = String(entry);
    this.#showChoice();
    this.onInput();
  }

  #showChoice() {
    const choice = this.field.choices?.find(({ value }) => value === this.#entry);
    setText(this.choiceHelp, choice?.help ?? "");
    this.choiceHelp.hidden = !choice?.help;
  }
}

/** `60 ms → 90 ms`. */
export function changeText(field, before, after) {
  return `${shownValue(field, before)} → ${shownValue(field, after)}`;
}

function shownValue(field, value) {
  return field?.type === "choice" ? plain(value) : valueText(value, field ? unitOf(field) : null);
}
