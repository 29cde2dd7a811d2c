// Long lists of methods that cannot skip: what lies before a place has to come first.

import { PAGE_SIZE, PagedList } from "./paged_list.js";

/** A list whose method gives one page after another only: to a place in it everything before has to come, and stays. */
export class SequentialList extends PagedList {
  /** @param {import("./paged_list.js").Listed} listed */
  constructor(listed) {
    super(listed);
    /** @type {any[]} */
    this._items = [];
    this._token = "";
    this._isWhole = false;
    this._turn = Promise.resolve();
  }

  /** How many there are: once all have come, that many. */
  get count() {
    return (this._isWhole ? this._items.length : this._listed.count) - this._hidden.length;
  }

  /** @param {number} place */
  _atPlace(place) {
    return this._items[place];
  }

  /** @param {number} from @param {number} to */
  async _fetched(from, to) {
    await this._load(this._pageOf(this._place(to - 1)));
    return Array.from({ length: to - from }, (_, offset) => this.at(from + offset)).filter((item) => item !== undefined);
  }

  _loadWanted() {
    if (this._wanted[1]) this._load(this._wanted[1] - 1);
  }

  /** @param {number} page */
  _load(page) {
    const before = this._turn.catch(() => undefined);
    this._turn = before.then(() => this._loadedUpTo((page + 1) * PAGE_SIZE));
    return this._turn;
  }

  /** @param {number} length */
  async _loadedUpTo(length) {
    while (!this._isWhole && this._items.length < length) {
      const answer = await this._answer({ pageSize: PAGE_SIZE, pageToken: this._token });
      this._items.push(...(await this._completed(answer)));
      this._token = answer.nextPageToken;
      this._isWhole = !this._token;
      this.onArrival();
    }
  }
}
