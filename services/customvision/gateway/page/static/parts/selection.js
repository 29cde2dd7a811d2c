// Which of a list are selected: some of them, or all but some.

export class Selection {
  constructor() {
    this.isAll = false;
    this._total = 0;
    /** @type {Map<string, number>} keys with their indices: what is selected, or where all are, what is not */
    this._named = new Map();
  }

  /** How many are selected. */
  get count() {
    return this.isAll ? this._total - this._named.size : this._named.size;
  }

  /** The indices of what is selected; where all are, of none. */
  get indices() {
    return this.isAll ? [] : [...this._named.values()];
  }

  /** The keys of what is selected; where all are, of none. */
  get keys() {
    return this.isAll ? [] : [...this._named.keys()];
  }

  /** @param {string} key */
  has(key) {
    return this._named.has(key) !== this.isAll;
  }

  /** @param {string} key @param {number} index @param {boolean} isSelected */
  set(key, index, isSelected) {
    if (isSelected !== this.isAll) this._named.set(key, index);
    else this._named.delete(key);
  }

  /** Selects all. @param {number} total how many there are */
  selectAll(total) {
    this.clear();
    this.isAll = true;
    this._total = total;
  }

  /** Returns what is selected now, whatever is selected later. */
  copy() {
    const copy = new Selection();
    copy.isAll = this.isAll;
    copy._total = this._total;
    copy._named = new Map(this._named);
    return copy;
  }

  /** Has each of the selected ones by its name, where all but some are. @param {string[]} keys those of all, in order */
  name(keys) {
    const left = this._named;
    this._named = new Map(keys.map((key, index) => /** @type {[string, number]} */ ([key, index])).filter(([key]) => !left.has(key)));
    this.isAll = false;
  }

  /** Takes out what leaves the list; what stands behind it moves up. @param {number[]} indices */
  remove(indices) {
    const gone = new Set(indices);
    const left = [...this._named].filter(([, index]) => !gone.has(index));
    this._named = new Map(left.map(([key, index]) => [key, index - indices.filter((each) => each < index).length]));
    this._total -= indices.length;
  }

  clear() {
    this.isAll = false;
    this._named.clear();
  }
}
