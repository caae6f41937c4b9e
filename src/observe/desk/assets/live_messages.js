/** What the rows of a tick say, by name; their form is that of the server's `/live`. */

/** The levels of a row, dBFS by name; null where nothing is measured. */
export function levelsOf([, capture, far_end, near_end, noise_floor]) {
  return { capture, far_end, near_end, noise_floor };
}

/**
 * The decisions of a row, one for each, oldest first; those of a run are the same object.
 *
 * @param {number[]} runs Flat: number, state, reason, forwarded, and so on.
 * @param {{states: string[], reasons: string[]}} hello
 */
export function decisionsOf(runs, hello) {
  const decisions = [];
  for (let i = 0; i + 3 < runs.length; i += 4) {
    const [n, state, reason, forwarded] = runs.slice(i, i + 4);
    const decision = {
      state: hello.states[state] ?? "",
      reason: hello.reasons[reason] ?? "",
      forwarded: forwarded === 1,
    };
    for (let each = 0; each < n; each++) decisions.push(decision);
  }
  return decisions;
}

/**
 * The events of a row.
 *
 * @param {number[]} flat Age in ms, event, reason, count, and so on.
 * @param {number} tMs Of the tick.
 * @param {{events: string[], reasons: string[]}} hello
 */
export function eventsOf(flat, tMs, hello) {
  const events = [];
  for (let i = 0; i + 3 < flat.length; i += 4) {
    const [ageMs, type, reason, count] = flat.slice(i, i + 4);
    events.push({
      t_ms: tMs - ageMs,
      type: hello.events[type],
      reason: hello.reasons[reason],
      count,
    });
  }
  return events;
}
