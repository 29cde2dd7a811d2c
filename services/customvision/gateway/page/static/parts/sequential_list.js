// Long lists of methods that cannot skip: what lies before a place has to come first.

import { PAGE_SIZE, PagedList } from "./paged_list.js";

/**
 * A list whose method gives one page after another only: to a place in it everything before has to come, and stays.
 * Where nothing says how many there are, it has those that have come, and grows as its end is looked at.
 */
export class SequentialList extends PagedList {
  /** @param {import("./paged_list.js").Listed} listed */
  constructor(listed) {
    super(listed);
    /** @type {any[]} */
    this._items = [];
    this._token = "";
    this._isAllHere = false;
    this._turn = Promise.resolve();
  }

  /** How many there are: once all have come, that many. */
  get count() {
    const counted = this._isAllHere ? undefined : this._listed.count;
    return (counted ?? this._items.length) - this._hidden.length;
  }

  get isWhole() {
    return this._isAllHere || this._listed.count !== undefined;
  }

  /** @param {number} from @param {number} to */
  want(from, to) {
    // One more than is looked at: whether there is one is known only then.
    if (to > from) this._load(this._pageOf(this._place(to)));
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

  /** @param {number} page */
  _load(page) {
    const before = this._turn.catch(() => undefined);
    this._turn = before.then(() => this._loadedUpTo((page + 1) * PAGE_SIZE));
    return this._turn;
  }

  /** @param {number} length */
  async _loadedUpTo(length) {
    while (!this._isAllHere && this._items.length < length) {
      const answer = await this._answer({ pageSize: PAGE_SIZE, pageToken: this._token });
      this._items.push(...(await this._completed(answer)));
      this._token = answer.nextPageToken;
      this._isAllHere = !this._token;
      this.onArrival();
    }
  }
}
