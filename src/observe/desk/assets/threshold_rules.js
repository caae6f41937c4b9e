/**
 * What makes a value wrong, before anybody else is asked: type, range, and rules across fields.
 *
 * Invariant: the server checks all of it again; what passes here may still be refused there.
 */

import { minus } from "./dom.js";

/**
 * @typedef {object} Field As the server describes it.
 * @property {string} key
 * @property {string} label
 * @property {string} name With its section: `Barge-in: Minimum`.
 * @property {"integer" | "number" | "boolean" | "choice" | "names"} type
 * @property {string | null} unit
 * @property {number | null} min
 * @property {number | null} max
 * @property {number | null} step
 * @property {any} value
 */

const WHOLE = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Read what stands in a field.
 *
 * @param {Field} field
 * @param {string | boolean} entry
 * @returns {{value?: any, problem?: string}}
 */
export function readEntry(field, entry) {
  if (field.type === "integer" || field.type === "number") return readNumber(field, String(entry));
  if (field.type === "names") return readNames(String(entry));
  return { value: entry };
}

function readNumber(field, entry) {
  const text = entry.trim().replace("−", "-");
  if (text === "") return { problem: "Enter a number." };
  if (NUMBER.test(text.replace(",", ".")) && text.includes(",")) {
    return { problem: `Write a point, not a comma: ${text.replace(",", ".")}` };
  }
  if (!NUMBER.test(text)) return { problem: `“${entry.trim()}” is no number.` };
  if (field.type === "integer" && !WHOLE.test(text)) return { problem: "Enter a whole number." };
  const value = Number(text);
  const isBelow = field.min !== null && field.min !== undefined && value < field.min;
  const isAbove = field.max !== null && field.max !== undefined && value > field.max;
  return isBelow || isAbove
    ? { problem: `${minus(text)} is not in ${rangeText(field)}.` }
    : { value };
}

function readNames(entry) {
  const names = entry
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  const isTwice = new Set(names).size < names.length;
  return isTwice ? { problem: "A name stands here twice." } : { value: names };
}

/** `20 to 2000 ms`; empty where there is none. */
export function rangeText({ min, max, unit }) {
  const numbers = [min, max].map((each) =>
    each === null || each === undefined ? null : minus(each),
  );
  const range = numbers.every((each) => each !== null) ? `${numbers[0]} to ${numbers[1]}` : "";
  return range && unit && unit !== "probability" ? `${range} ${unit}` : range;
}

/** How a value stands to the other one where a rule is broken: said of its left, of its right. */
const BROKEN = {
  ">=": ["is below", "is above"],
  "<=": ["is above", "is below"],
  ">": ["is not above", "is not below"],
  "<": ["is not below", "is not above"],
  "==": ["is not the same as", "is not the same as"],
  "!=": ["is the same as", "is the same as"],
};

const COMPARE = {
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

/**
 * The rules across fields that values break.
 *
 * @param {{left: string, op: string, right: string, message: string}[]} rules
 * @param {(key: string) => any} valueOf undefined where a field has no value to compare.
 * @returns {{left: string, op: string, right: string, message: string}[]}
 */
export function brokenRules(rules, valueOf) {
  return rules.filter(({ left, op, right }) => {
    const [a, b] = [valueOf(left), valueOf(right)];
    return a !== undefined && b !== undefined && op in COMPARE && !COMPARE[op](a, b);
  });
}

/**
 * `30 is below Barge-in: Candidate (60): the gate can't open before its candidate.`
 *
 * @param {{left: string, op: string, message: string}} rule One that is broken.
 * @param {string} key At which of its two fields this is said.
 * @param {any} value Of that field.
 * @param {string} otherName
 * @param {any} otherValue
 */
export function brokenText({ left, op, message }, key, value, otherName, otherValue) {
  const relation = BROKEN[op][key === left ? 0 : 1];
  const reason = message.charAt(0).toLowerCase() + message.slice(1);
  return `${minus(value)} ${relation} ${otherName} (${minus(otherValue)}): ${reason}`;
}

/** Whether two values of a field are the same. */
export function isSame(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
