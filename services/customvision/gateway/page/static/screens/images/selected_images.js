// The selected images of a list, many at a time, for what is done with them.

// More than this many are worked on under a bar that tells how far it has come.
const MANY = 1000;
const MOST_IN_ONE_CALL = 1000;

/** What is selected of the list that is seen. */
export class SelectedImages {
  /**
   * @param {import("../../parts/selection.js").Selection} selection
   * @param {() => import("../../parts/paged_list.js").PagedList} list
   * @param {import("../../parts/work_bar.js").WorkBar} bar
   */
  constructor(selection, list, bar) {
    this._selection = selection;
    this._list = list;
    this._bar = bar;
  }

  /**
   * Does something with them. Many are worked on under a bar that can stop it, and are not waited for: other things can be done meanwhile.
   *
   * @param {string} label what is done with each
   * @param {(batches: AsyncIterable<string[]>) => Promise<void>} work takes their ids
   */
  async work(label, work) {
    const { count } = this._selection;
    const ids = this._ids();
    if (count <= MANY) await work(ids);
    else this._bar.run({ total: count, noun: "image", label }, (done, signal) => work(told(ids, done, signal)));
  }

  /** Returns them, many at a time, with all that the list has of them. @returns {AsyncGenerator<any[]>} */
  items() {
    return itemsOf(this._list(), this._selection.copy());
  }

  _ids() {
    return idsOf(this._list(), this._selection.copy());
  }
}

/** @param {import("../../parts/paged_list.js").PagedList} list @param {import("../../parts/selection.js").Selection} selection @returns {AsyncGenerator<any[]>} */
async function* itemsOf(list, selection) {
  if (selection.isAll) {
    for await (const items of list.walk()) yield items.filter(({ imageId }) => selection.has(imageId));
  } else yield await Promise.all(selection.indices.map((index) => list.item(index)));
}

/** @param {import("../../parts/paged_list.js").PagedList} list @param {import("../../parts/selection.js").Selection} selection @returns {AsyncGenerator<string[]>} */
async function* idsOf(list, selection) {
  if (selection.isAll) {
    for await (const items of itemsOf(list, selection)) yield items.map(({ imageId }) => imageId);
  } else {
    const { keys } = selection;
    for (let first = 0; first < keys.length; first += MOST_IN_ONE_CALL) yield keys.slice(first, first + MOST_IN_ONE_CALL);
  }
}

/**
 * Yields batches, telling of each once it is done with, until the signal says that it is enough.
 *
 * @param {AsyncIterable<string[]>} batches
 * @param {(count: number) => void} done
 * @param {AbortSignal} signal
 */
async function* told(batches, done, signal) {
  for await (const batch of batches) {
    if (signal.aborted) return;
    yield batch;
    done(batch.length);
  }
}
