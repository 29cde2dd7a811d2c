// Work that follows somebody's hand: of what is asked while it runs, only the newest is done.

/**
 * Returns a function that does `work` with the newest value it was called with, one at a time: no answer comes late.
 *
 * @template Value
 * @param {(value: Value) => Promise<void>} work
 * @returns {(value: Value) => Promise<void>}
 */
export function newestOf(work) {
  let isRunning = false;
  /** @type {{ value: Value } | null} */
  let waiting = null;
  return async (value) => {
    waiting = { value };
    if (isRunning) return;
    isRunning = true;
    try {
      while (waiting) {
        const next = waiting;
        waiting = null;
        await work(next.value);
      }
    } finally {
      isRunning = false;
    }
  };
}
