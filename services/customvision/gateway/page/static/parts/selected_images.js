// The selected images of a list, many at a time, for what is done with them.

// More than this many are worked on under a bar that tells how far it has come.
const MANY = 1000;
const MOST_IN_ONE_CALL = 1000;

/** What is selected of the list that is seen. */
export class SelectedImages {
  /**
   * @param {import("../selection.js").Selection} selection
   * @param {() => import("../paged_list.js").PagedList} list
   * @param {import("./work_bar.js").WorkBar} bar
   */
  constructor(selection, list, bar) {
    this._selection = selection;
    this._list = list;
    this._bar = bar;
  }

  /**
   * Does something with them; where they are many, under a bar that can stop it.
   *
   * @param {string} label what is done with each
   * @param {(batches: AsyncIterable<string[]>) => Promise<void>} work takes their ids
   */
  async work(label, work) {
    const { count } = this._selection;
    if (count <= MANY) return work(this._ids());
    return this._bar.run({ total: count, noun: "image", label }, (done, signal) => work(told(this._ids(), done, signal)));
  }

  /** Yields them with all that the list has of them. @returns {AsyncGenerator<any[]>} */
  async *items() {
    const { isAll, indices } = this._selection;
    const list = this._list();
    if (isAll) {
      for await (const items of list.walk()) yield items.filter(({ imageId }) => this._selection.has(imageId));
    } else yield await Promise.all(indices.map((index) => list.item(index)));
  }

  /** @returns {AsyncGenerator<string[]>} */
  async *_ids() {
    if (this._selection.isAll) {
      for await (const items of this.items()) yield items.map(({ imageId }) => imageId);
    } else {
      const { keys } = this._selection;
      for (let first = 0; first < keys.length; first += MOST_IN_ONE_CALL) yield keys.slice(first, first + MOST_IN_ONE_CALL);
    }
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
