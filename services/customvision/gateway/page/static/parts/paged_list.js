// Long lists of which only what is looked at is here: a page is fetched where it is wanted, and given up again far from there.

import { call } from "../calls.js";

export const PAGE_SIZE = 120;
const PAGES_KEPT = 40;
const MOST_IN_ONE_CALL = 1000;
const LOADS_AT_ONCE = 2;

/**
 * What a list is of: a method that answers in pages, and how many there are, where that is known. `complete` makes items of what it answers.
 *
 * @typedef {{
 *   service: string, method: string, request: object, field: string, count?: number,
 *   complete?: (answers: any[]) => Promise<any[]>,
 * }} Listed
 */

/** A list whose method can skip: any place in it costs the same. */
export class PagedList {
  /** @param {Listed} listed */
  constructor(listed) {
    this._listed = listed;
    /** @type {Map<number, any[]>} */
    this._pages = new Map();
    /** @type {Map<number, Promise<void>>} */
    this._loading = new Map();
    /** @type {number[]} places of what is hidden, ascending */
    this._hidden = [];
    /** @type {number[]} places of what the method does not find any more, ascending */
    this._missing = [];
    this._wanted = [0, 0];
    /** Is called whenever items have come. */
    this.onArrival = () => {};
  }

  /** How many items there are, but for the hidden ones. */
  get count() {
    return (this._listed.count ?? 0) - this._hidden.length;
  }

  /** Whether `count` is of all that there are, or of those that have come so far. */
  get isWhole() {
    return true;
  }

  /** Returns the items up to the first that is not here. @returns {any[]} */
  itemsHere() {
    const items = [];
    for (let item = this.at(0); item !== undefined; item = this.at(items.length)) items.push(item);
    return items;
  }

  /** Returns an item, or undefined where it is not here. @param {number} index */
  at(index) {
    return this._atPlace(this._place(index));
  }

  /** Returns an item, fetched where it is not here. @param {number} index @returns {Promise<any>} */
  async item(index) {
    const place = this._place(index);
    await this._load(this._pageOf(place));
    return this._atPlace(place);
  }

  /** Has what lies between come soon, before all that was wanted earlier. @param {number} from @param {number} to */
  want(from, to) {
    this._wanted = to > from ? [this._pageOf(this._place(from)), this._pageOf(this._place(to - 1)) + 1] : [0, 0];
    this._loadWanted();
  }

  /** Returns the items between, fetched where they are not here. @param {number} from @param {number} to @returns {Promise<any[]>} */
  async items(from, to) {
    const items = [];
    for (let index = from; index < to; index += 1) {
      if (this.at(index) === undefined) return this._fetched(from, to);
      items.push(this.at(index));
    }
    return items;
  }

  /** Yields all items that there are, many at a time; what becomes of those that were yielded does not disturb it. */
  async *walk() {
    let pageToken = "";
    do {
      const page = await this._answer({ pageSize: MOST_IN_ONE_CALL, pageToken });
      yield await this._completed(page);
      pageToken = page.nextPageToken;
    } while (pageToken);
  }

  /** Leaves items out of what is seen, and returns their places. @param {number[]} indices */
  hide(indices) {
    const places = indices.map((index) => this._place(index));
    this._hidden = union(this._hidden, places);
    return places;
  }

  /** Shows what was hidden. @param {number[]} places */
  unhide(places) {
    this._hidden = this._hidden.filter((place) => !places.includes(place));
  }

  /** Returns where in the list an item is for as long as the list is there, whatever is hidden. @param {number} index */
  placeOf(index) {
    return this._place(index);
  }

  /**
   * Takes into account that the method does not find items any more, or finds them again: others would come from the wrong place.
   *
   * @param {number[]} places
   * @param {boolean} isMissing
   */
  setMissing(places, isMissing) {
    const others = this._missing.filter((place) => !places.includes(place));
    this._missing = isMissing ? union(others, places) : others;
  }

  /** @param {number} index */
  _place(index) {
    let place = index;
    for (const hidden of this._hidden) {
      if (hidden > place) break;
      place += 1;
    }
    return place;
  }

  /** @param {number} place */
  _pageOf(place) {
    return Math.floor(place / PAGE_SIZE);
  }

  /** @param {number} place */
  _atPlace(place) {
    return this._pages.get(this._pageOf(place))?.[place % PAGE_SIZE];
  }

  /** @param {number} from @param {number} to */
  async _fetched(from, to) {
    const items = [];
    const [first, end] = [this._place(from), this._place(to - 1) + 1];
    for (let skip = first; skip < end; skip += MOST_IN_ONE_CALL) {
      items.push(...(await this._completed(await this._answer({ skip, pageSize: Math.min(MOST_IN_ONE_CALL, end - skip) }))));
    }
    return items.filter((_, offset) => !this._hidden.includes(first + offset));
  }

  _loadWanted() {
    for (let page = this._wanted[0]; page < this._wanted[1] && this._loading.size < LOADS_AT_ONCE; page += 1) {
      if (this._pages.has(page) || this._loading.has(page)) continue;
      this._load(page).then(() => this._loadWanted());
    }
  }

  /** @param {number} page */
  _load(page) {
    if (this._pages.has(page)) return Promise.resolve();
    const load = this._loading.get(page) ?? this._loaded(page).finally(() => this._loading.delete(page));
    this._loading.set(page, load);
    return load;
  }

  /** @param {number} page */
  async _loaded(page) {
    const places = this._found(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    const skip = page * PAGE_SIZE - this._missing.filter((place) => place < page * PAGE_SIZE).length;
    const items = places.length ? await this._completed(await this._answer({ skip, pageSize: places.length })) : [];
    /** @type {any[]} */
    const kept = [];
    items.forEach((item, index) => (kept[places[index] % PAGE_SIZE] = item));
    this._pages.set(page, kept);
    // Those fetched longest ago go first, but for what is looked at.
    for (const old of this._pages.keys()) {
      if (this._pages.size <= PAGES_KEPT) break;
      if (old !== page && (old < this._wanted[0] || old >= this._wanted[1])) this._pages.delete(old);
    }
    this.onArrival();
  }

  /** Returns the places between of what the method finds. @param {number} from @param {number} to */
  _found(from, to) {
    const places = Array.from({ length: to - from }, (_, offset) => from + offset);
    return this._missing.length ? places.filter((place) => !this._missing.includes(place)) : places;
  }

  /** @param {object} part */
  _answer(part) {
    return call(this._listed.service, this._listed.method, { ...this._listed.request, ...part });
  }

  /** @param {any} answer @returns {Promise<any[]>} */
  async _completed(answer) {
    const answers = answer[this._listed.field];
    return this._listed.complete ? this._listed.complete(answers) : answers;
  }
}

/** @param {number[]} some @param {number[]} others */
function union(some, others) {
  return [...new Set([...some, ...others])].sort((one, other) => one - other);
}
