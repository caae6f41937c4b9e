/** Does something again and again, as long as the tab is seen: nobody is asked for what nobody sees. */

/**
 * Call now, and so long after each end of it; at once when the tab is shown again.
 *
 * @param {() => Promise<unknown>} ask
 * @param {number} everyMs
 * @returns {{now: () => void, stop: () => void}} `now` asks at once, or once more after what runs.
 */
export function poll(ask, everyMs) {
  let [timer, isAsking, isWanted, isOver] = [0, false, false, false];
  const turn = async () => {
    clearTimeout(timer);
    isWanted = isAsking;
    if (isAsking || isOver || document.hidden) return;
    isAsking = true;
    try {
      await ask();
    } finally {
      isAsking = false;
      if (isWanted) turn();
      else if (!isOver && !document.hidden) timer = setTimeout(turn, everyMs);
    }
  };
  document.addEventListener("visibilitychange", turn);
  turn();
  const stop = () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", turn);
  };
  return { now: turn, stop };
}
