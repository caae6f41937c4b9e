/** The thresholds: a form made from the schema, checked at every key, applied and undone. */

import { api } from "./api.js";
import { announce, fill, h, plural, setText } from "./dom.js";
import { confirmDialog } from "./confirm.js";
import { HistoryList } from "./threshold_history.js";
import { PreviewPanel } from "./threshold_preview.js";
import { brokenRules, brokenText } from "./threshold_rules.js";
import { changeText, EFFECTS, ThresholdField } from "./threshold_field.js";

const CHECK_AFTER_MS = 250;
const TOLD_AFTER_MS = 1000; // who listens is told when somebody has stopped typing
const CLOSED_AT_FIRST = new Set(["gating.providers.deepgram", "gating.providers.local"]);

class ThresholdsView {
  /** @type {Map<string, ThresholdField>} */
  #fields = new Map();
  #schema = null;
  #checkTimer = 0;
  #checked = ""; // the changes that the server found right, as text
  #problems = []; // of the server, about the newest changes
  #isOver = false;
  #isApplying = false;
  #tellTimer = 0;

  constructor(root) {
    this.form = h("form", {
      class: "sections",
      novalidate: true,
      on: { submit: (event) => this.#submit(event) },
    });
    this.banner = h("p", { class: "banner", role: "status", hidden: true });
    this.empty = h("div", { class: "empty" }, "Reading the thresholds …");
    this.filter = h("input", {
      type: "search",
      id: "find-threshold",
      placeholder: "name or word",
      autocomplete: "off",
      on: { input: () => this.#find() },
    });
    this.summary = h("p", { class: "summary", id: "summary" });
    this.told = h("p", { class: "hidden-text", role: "status" });
    this.head = h("h2", { id: "changes-head", tabIndex: -1 }, "Your changes");
    this.list = h("ul", { class: "changes" });
    this.apply = h(
      "button",
      {
        type: "button",
        class: "primary",
        id: "apply",
        disabled: true,
        on: { click: () => this.#apply() },
      },
      "Apply",
    );
    this.discard = h(
      "button",
      { type: "button", id: "discard", disabled: true, on: { click: () => this.#discard() } },
      "Discard",
    );
    this.preview = new PreviewPanel(() => this.changes());
    this.history = new HistoryList({
      nameOf: (key) => this.#fields.get(key)?.field,
      onUndo: () => this.#load(),
    });
    const changes = h(
      "section",
      { class: "panel", "aria-labelledby": "changes-head" },
      this.head,
      this.summary,
      this.told,
      this.list,
      h("div", { class: "actions" }, this.apply, this.discard),
      this.preview.element,
    );
    const tools = h(
      "div",
      { class: "tools" },
      h("label", { htmlFor: "find-threshold" }, "Find"),
      this.filter,
    );
    fill(
      root,
      h("div", { class: "view-head" }, h("h1", {}, "Thresholds"), tools),
      this.banner,
      h(
        "div",
        { class: "thresholds" },
        h("div", {}, this.empty, this.form),
        h("div", { class: "beside" }, changes, this.history.element),
      ),
    );
    this.warn = (event) => this.changedFields().length > 0 && event.preventDefault();
    window.addEventListener("beforeunload", this.warn);
    this.#load();
  }

  leave() {
    this.#isOver = true;
    clearTimeout(this.#checkTimer);
    clearTimeout(this.#tellTimer);
    window.removeEventListener("beforeunload", this.warn);
    this.preview.leave();
  }

  changedFields() {
    return [...this.#fields.values()].filter((each) => each.isChanged());
  }

  /** What would be applied: values by key, of those that can be read. */
  changes() {
    const entries = this.changedFields().map((each) => [each.field.key, each.read().value]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  async #load({ keep = {} } = {}) {
    try {
      this.#schema = await api.thresholds();
    } catch (error) {
      this.#say(error.message, "bad");
      if (this.#schema === null) this.#offerAgain();
      return;
    }
    const isSaved = this.#schema.is_saved;
    this.#say(
      isSaved ? "" : "There is no configuration file: what you apply holds until the engine stops.",
    );
    this.#fields.clear();
    fill(
      this.form,
      this.#schema.sections.map((section) => this.#section(section)),
    );
    for (const [key, value] of Object.entries(keep)) this.#fields.get(key)?.set(value);
    this.#find();
    this.#changed();
    await this.history.load();
  }

  #offerAgain() {
    const again = () => this.#load();
    const button = h("button", { type: "button", on: { click: again } }, "Try again");
    fill(this.empty, h("b", {}, "The thresholds could not be read"), button);
  }

  async #discard() {
    await this.#load();
    this.head.focus(); // the button is disabled now
  }

  #section({ key, title, help, fields }) {
    const made = fields.map((field) => {
      const name = `${title}: ${field.label}`;
      const each = new ThresholdField({ ...field, name }, () => this.#changed());
      this.#fields.set(field.key, each);
      return each.element;
    });
    return h(
      "details",
      { class: "panel section", open: !CLOSED_AT_FIRST.has(key), data: { key } },
      h("summary", {}, h("h2", {}, title), h("code", {}, key)),
      h("p", { class: "note" }, help),
      made,
    );
  }

  #find() {
    const wanted = this.filter.value.trim().toLowerCase();
    for (const each of this.#fields.values()) each.element.hidden = !each.matches(wanted);
    for (const section of this.form.children) {
      section.hidden = !section.querySelector(".field:not([hidden])");
      if (wanted && !section.hidden) section.open = true;
    }
    this.empty.hidden = [...this.form.children].some((section) => !section.hidden);
    if (!this.empty.hidden) {
      const words = "Find looks at names, keys and explanations.";
      fill(this.empty, h("b", {}, `No threshold has “${wanted}”`), words);
    }
  }

  /** Something was typed: judge it here, and if nothing is wrong, ask the server. */
  #changed() {
    clearTimeout(this.#checkTimer);
    this.#checked = "";
    this.#problems = [];
    this.#warn([]);
    const isWrong = this.#judge();
    const changes = this.changes();
    if (!isWrong && Object.keys(changes).length > 0) {
      this.#checkTimer = setTimeout(() => this.#ask(changes), CHECK_AFTER_MS);
    }
    this.#showChanges();
    this.preview.changed();
  }

  /** Show at each field what is wrong with it, and return whether anything is. */
  #judge() {
    const texts = new Map();
    for (const [key, each] of this.#fields) texts.set(key, each.read().problem ?? "");
    const valueOf = (key) => this.#fields.get(key)?.read().value;
    for (const rule of brokenRules(this.#schema.rules, valueOf)) {
      const { left, right } = rule;
      const isOwn = this.#fields.get(left).isChanged() || !this.#fields.get(right).isChanged();
      const [at, other] = isOwn ? [left, right] : [right, left];
      const { name } = this.#fields.get(other).field;
      const text = brokenText(rule, at, valueOf(at), name, valueOf(other));
      texts.set(at, texts.get(at) || text);
    }
    for (const { key, rule } of this.#problems)
      if (texts.has(key)) texts.set(key, texts.get(key) || capital(rule));
    for (const [key, text] of texts) this.#fields.get(key).showProblem(text);
    this.wrong =
      [...texts.values()].filter(Boolean).length +
      this.#problems.filter(({ key }) => !texts.has(key)).length;
    return this.wrong > 0;
  }

  /** What is allowed but odd stands at the field, or with the changes where there is none. */
  #warn(warnings) {
    this.odd = warnings.filter(({ key }) => !this.#fields.has(key));
    for (const [key, each] of this.#fields) {
      const own = warnings.filter((warning) => warning.key === key);
      each.showWarning(own.map(({ message }) => capital(message)).join(" "));
    }
  }

  async #ask(changes) {
    const asked = JSON.stringify(changes);
    try {
      const { problems, warnings = [] } = await api.checkThresholds(changes);
      // Somebody may have typed on meanwhile.
      if (this.#isOver || JSON.stringify(this.changes()) !== asked) return;
      this.#problems = problems;
      this.#warn(warnings);
      if (problems.length === 0) this.#checked = asked;
    } catch (error) {
      this.#problems = error.problems?.length ? error.problems : [{ key: "", rule: error.message }];
    }
    this.#judge();
    this.#showChanges();
  }

  #showChanges() {
    const fields = this.changedFields();
    const isRight = this.#checked !== "" && this.#checked === JSON.stringify(this.changes());
    const mayApply = fields.length > 0 && this.wrong === 0 && isRight;
    this.apply.disabled = !mayApply || this.#isApplying;
    this.discard.disabled = fields.length === 0;
    this.preview.allow(!this.apply.disabled);
    setText(this.summary, this.#summary(fields.length, isRight));
    clearTimeout(this.#tellTimer);
    this.#tellTimer = setTimeout(
      () => setText(this.told, this.summary.textContent),
      TOLD_AFTER_MS,
    );
    fill(
      this.list,
      fields.map((each) => this.#changeItem(each)),
    );
    for (const { message } of this.odd ?? [])
      this.list.append(h("li", { class: "warning" }, capital(message)));
    for (const { key, rule } of this.#problems) {
      if (!this.#fields.has(key)) this.list.append(h("li", { class: "problem" }, capital(rule)));
    }
  }

  #summary(count, isRight) {
    if (count === 0)
      return "None. What you change shows up here, and nothing is sent before you apply it.";
    if (this.wrong > 0)
      return `${plural(this.wrong, "value is", "values are")} wrong: nothing can be applied.`;
    return isRight ? `${plural(count, "change")}, ready to apply.` : "Checking …";
  }

  #changeItem(each, { isQuestion = false } = {}) {
    const { field, problemText } = each;
    const text = problemText || changeText(field, field.value, each.read().value);
    const goTo = () => this.#goTo(field.key);
    return h(
      "li",
      {},
      isQuestion
        ? h("b", {}, field.name)
        : h("button", { type: "button", class: "link", on: { click: goTo } }, field.name),
      h("span", { class: problemText ? "problem" : "" }, text),
      !problemText && h("span", { class: "note" }, EFFECTS[field.effect]),
    );
  }

  #goTo(key) {
    const each = this.#fields.get(key);
    if (each.element.hidden) {
      this.filter.value = "";
      this.#find();
    }
    each.element.closest("details").open = true;
    each.control.focus();
  }

  #submit(event) {
    event.preventDefault(); // enter in a field
    if (!this.apply.disabled) this.#apply();
  }

  async #apply() {
    const changes = this.changes();
    const body = h(
      "div",
      {},
      h(
        "ul",
        { class: "changes" },
        this.changedFields().map((each) => this.#changeItem(each, { isQuestion: true })),
      ),
      h("p", { class: "note" }, "You can undo this from the history."),
    );
    const isSure = await confirmDialog({
      title: `Apply ${plural(Object.keys(changes).length, "change")}?`,
      body,
      confirm: "Apply",
    });
    if (!isSure) return;
    this.#isApplying = true;
    this.#showChanges();
    try {
      await api.applyThresholds(changes, this.#schema.revision);
      announce("Applied.");
      await this.#load();
      this.head.focus(); // the button is disabled now
    } catch (error) {
      await this.#refused(error, changes);
    } finally {
      this.#isApplying = false;
      this.#showChanges();
    }
  }

  async #refused(error, changes) {
    if (error.code === "busy") {
      await this.#load({ keep: changes });
      this.#say("Somebody else has changed thresholds: here are theirs, with your changes on top.");
    } else {
      this.#problems = error.problems.length ? error.problems : [{ key: "", rule: error.message }];
      this.#checked = "";
      this.#judge();
      this.#showChanges();
      announce(error.message, "bad");
    }
  }

  #say(text, kind = "warn") {
    this.banner.hidden = text === "";
    this.banner.dataset.kind = kind;
    setText(this.banner, text);
  }
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Put the view into an element; people are asked before they leave changes behind. */
export function mountThresholds(root) {
  const view = new ThresholdsView(root);
  const leave = () => view.leave();
  leave.mayLeave = () =>
    view.changedFields().length === 0 || window.confirm("Leave, and forget your changes?");
  return leave;
}
