// The images of a project: which are seen, and what is done with them.

import { call, CallError } from "../../calls.js";
import { element } from "../../dom.js";
import { noteQuery } from "../../router.js";
import { filterOf, queryOf } from "./filter_address.js";
import { saidOfHeldOut } from "./held_out.js";
import { imageChoices } from "./image_choices.js";
import { imageRequest, listedErrors, listedImages, listedSuggestions } from "./image_lists.js";
import { PagedList } from "../../parts/paged_list.js";
import { openDialog } from "../../parts/dialog.js";
import { ImageChanges } from "./image_changes.js";
import { ImageFilters } from "./image_filters.js";
import { PhotoAdding } from "./photo_adding.js";
import { photoCell } from "./photo_cell.js";
import { uploadsTo } from "./photo_uploads.js";
import { PhotoDetail } from "./photo_detail.js";
import { PhotoGrid } from "../../parts/photo_grid.js";
import { MULTICLASS } from "../../parts/project_fields.js";
import { SelectedImages } from "./selected_images.js";
import { SelectionBar } from "./selection_bar.js";
import { SuggestionBar } from "./suggestion_bar.js";
import { confirmSuggested, suggestForAll } from "./suggestion_work.js";
import { projectHead } from "../../parts/tabs.js";
import { ToldOfImage } from "./told_of_image.js";
import { Undo } from "./undo.js";
import { suggest } from "./suggesting.js";
import { counted } from "../../words.js";

// How often photos are shown while more are being sent.
const ARRIVALS_MILLISECONDS = 2000;
const NOTHING = new PagedList({ service: "", method: "", request: {}, field: "", count: 0 });

/** @typedef {import("./image_lists.js").Filter} Filter */

/** @param {string} projectId @returns {Promise<import("../../main.js").Screen>} */
export async function imagesScreen(projectId) {
  const filter = filterOf(location.search);
  const project = await call("project", "GetProject", { projectId });
  const images = new Images(project, filter);
  try {
    await images.refresh();
  } catch (error) {
    images.leave();
    throw error;
  }
  return { title: project.name, content: images.element, leave: () => images.leave() };
}

class Images {
  /** @param {any} project @param {Filter} filter */
  constructor(project, filter) {
    this._projectId = project.projectId;
    this._isMulticlass = project.classificationType === MULTICLASS;
    this._turn = 0;
    // What was chosen last, which may still be on its way.
    this._wanted = filter;
    this._leaving = new AbortController();
    this._list = NOTHING;
    /** @type {Map<string, import("./held_out.js").Said>} what the chosen iteration tells wrong */
    this._wrong = new Map();
    this._wrongOf = "";
    this._isStale = false;
    this._nextArrivals = 0;
    /** @type {import("./image_choices.js").Choices | undefined} */
    this._choices = undefined;
    /** @type {ToldOfImage | undefined} */
    this._told = undefined;
    this._undo = new Undo();
    this._changes = new ImageChanges(project, this._undo, (imageIds) => this._suggestAgain(imageIds));
    this._uploads = uploadsTo(this._projectId);
    this._filters = new ImageFilters(filter, (choice) => this._choose(choice));
    this._suggestions = this._suggestionBar();
    this._selection = this._selectionBar();
    this._grid = this._photoGrid();
    this._selected = new SelectedImages(this._grid.selection, () => this._list, this._uploads.bar);
    this._detail = this._photoDetail();
    this._found = element("div", { class: "found" });
    const adding = new PhotoAdding((photos) => this._uploads.send(photos, this._tags));
    this.element = element(
      "section",
      { class: "images" },
      projectHead(project, "images"),
      adding.root,
      this._uploads.bar.root,
      this._filters.root,
      this._suggestions.root,
      this._found,
      this._grid.element,
      this._selection.root,
    );
    adding.takeDrops(this.element);
    this._uploads.follow(this);
  }

  /** Ends what the screen began, and makes final what could be undone. */
  leave() {
    this._leaving.abort();
    this._uploads.unfollow(this);
    this._grid.leave();
    this._undo.leave();
  }

  /** Asks for everything again and shows it, where the window stands. @param {Filter} [filter] */
  async refresh(filter = this._wanted) {
    const turn = ++this._turn;
    this._wanted = filter;
    const asked = await this._ask(filter).catch((error) => {
      if (turn === this._turn) this._wanted = this._filters.filter;
      throw error;
    });
    if (turn !== this._turn) return;
    const { choices, list } = asked;
    this._choices = choices;
    this._list = list;
    this._isStale = false;
    if (choices.iteration?.iterationId !== this._told?.iterationId) {
      this._told = choices.iteration && new ToldOfImage(choices.iteration, this._leaving.signal);
    }
    this._frameWrong(filter.iterationId);
    this._filters.show(filter, choices);
    this._showSuggestions(filter, choices);
    this._showFound(filter, choices);
    this._grid.show(list);
    this._selectionChanged();
  }

  /** @param {Filter} filter what is to be shown, asked of the services */
  async _ask(filter) {
    const choices = await imageChoices(this._projectId, filter);
    const list = await this._listOf(filter, choices.iteration);
    await this._grid.prepare(list);
    return { choices, list };
  }

  get _tags() {
    return this._choices?.tags ?? [];
  }

  /** @param {Filter} filter @param {any} iteration @returns {Promise<PagedList>} */
  async _listOf(filter, iteration) {
    if (filter.kind === "suggestions") return iteration ? listedSuggestions(this._projectId, iteration.iterationId, filter) : NOTHING;
    return filter.isWrongOnly ? listedErrors(this._projectId, filter) : listedImages(this._projectId, filter);
  }

  /** @param {Filter} filter */
  async _choose(filter) {
    await this._undo.settle();
    this._grid.clear();
    await this.refresh(filter);
    // Something else may have been chosen meanwhile, or another screen.
    if (this._filters.filter === filter && !this._leaving.signal.aborted) noteQuery(queryOf(filter));
  }

  /** Frames what another iteration than before tells wrong, once that is known. @param {string} iterationId or nothing */
  async _frameWrong(iterationId) {
    if (iterationId === this._wrongOf) return;
    this._wrongOf = iterationId;
    this._wrong = new Map();
    if (!iterationId) return;
    const wrong = await saidOfHeldOut({ projectId: this._projectId, iterationId, wrongOnly: true }, this._leaving.signal);
    if (iterationId !== this._wrongOf) return;
    this._wrong = wrong;
    this._grid.redraw();
  }

  /** Shows what is different, with nothing selected. */
  async _changed() {
    this._grid.clear();
    await this.refresh();
  }

  /** Shows what has come so far, now and then, unless that would move what is being worked on. */
  async arrived() {
    const isWorkedOn = this._grid.selection.count || this._detail.isOpen || this._undo.isPending;
    if (isWorkedOn || this._leaving.signal.aborted || Date.now() < this._nextArrivals) return;
    this._nextArrivals = Date.now() + ARRIVALS_MILLISECONDS;
    try {
      await this.refresh();
    } catch (error) {
      // What is being sent tells that the service is away.
      if (!(error instanceof CallError)) throw error;
    }
  }

  /** Shows what was added. */
  async added() {
    await this._undo.settle();
    await this._changed();
  }

  _photoGrid() {
    return new PhotoGrid({
      label: "Images",
      keyOf: (image) => image.imageId,
      draw: (image) => photoCell(image, { isMulticlass: this._isMulticlass, wrong: this._wrong.get(image.imageId) }),
      onSelection: () => this._selectionChanged(),
      onOpen: (index) => this._detail.open(this._list, index),
      onDelete: () => this._delete(),
    });
  }

  _selectionChanged() {
    this._selection.show(this._grid.selection.count, this._filters.filter.kind === "suggestions");
  }

  _selectionBar() {
    return new SelectionBar({
      tags: () => this._tags,
      isMulticlass: this._isMulticlass,
      give: (name) => this._give(name),
      take: (tag) => this._selected.work("Untagged", (batches) => this._changes.take(batches, tag, () => this._changed())),
      remove: () => this._delete(),
      clear: () => this._grid.clear(),
      confirm: () => this._confirm(this._selected.items()),
    });
  }

  /** @param {string} name */
  async _give(name) {
    const tag = this._tags.find((each) => each.name === name) ?? (await call("project", "CreateTag", { projectId: this._projectId, name }));
    await this._selected.work("Tagged", (batches) => this._changes.give(batches, tag, () => this._changed()));
  }

  async _delete() {
    const { selection } = this._grid;
    if (!selection.count) return;
    if (this._changes.canUndoDeletionOf(selection.count)) {
      if (selection.isAll) selection.name((await this._list.items(0, this._list.count)).map(({ imageId }) => imageId));
      await this._deleteSoon(selection.indices, selection.keys);
      return;
    }
    openDialog({
      title: `Delete ${counted(selection.count, "image")}?`,
      content: [element("p", {}, "So many go at once and cannot be brought back. Iterations that were trained on them keep what they learned.")],
      action: "Delete",
      isDangerous: true,
      submit: () => this._selected.work("Deleted", (batches) => this._changes.delete(batches, () => this._changed())),
    });
  }

  /** @param {number[]} indices @param {string[]} imageIds */
  async _deleteSoon(indices, imageIds) {
    this._grid.clear();
    // What was to be deleted before goes now, and the list with it.
    await this._undo.settle();
    await this._changes.deleteSoon(this._list, indices, imageIds, {
      seen: async () => (this._detail.isOpen ? this._detail.refresh() : this._grid.show(this._list)),
      deleted: (places) => this._lost(places),
    });
  }

  /** Takes into account that images are gone. @param {number[]} places */
  async _lost(places) {
    if (!this._detail.isOpen) return this.refresh();
    this._list.setMissing(places, true);
    this._isStale = true;
  }

  _suggestionBar() {
    return new SuggestionBar({
      projectId: this._projectId,
      suggest: async () => {
        await suggestForAll(this._choices?.iteration, this._uploads.bar).finally(() => this._changed());
      },
      confirm: async (threshold) => {
        const sure = await listedSuggestions(this._projectId, this._choices?.iteration.iterationId, this._filters.filter, threshold);
        await this._confirm(sure.walk());
      },
      order: (isSurestFirst) => this._choose({ ...this._filters.filter, isSurestFirst }),
    });
  }

  /** @param {AsyncIterable<any[]>} batches */
  async _confirm(batches) {
    await confirmSuggested(this._changes, batches, this._isMulticlass, () => this._changed());
  }

  /** Brings back the suggestions of images that were untagged again: they went with the tag. @param {string[]} imageIds */
  async _suggestAgain(imageIds) {
    const iteration = this._choices?.iteration;
    if (this._filters.filter.kind === "suggestions" && iteration) await suggest(this._projectId, iteration.iterationId, imageIds, () => {});
  }

  /** @param {Filter} filter @param {import("./image_choices.js").Choices} choices */
  _showSuggestions({ kind, isSurestFirst }, { iteration, counts }) {
    if (kind !== "suggestions") this._suggestions.hide();
    else this._suggestions.show({ iteration, missing: counts.untagged - counts.suggestions, count: counts.suggestions, isSurestFirst });
  }

  /** @param {Filter} filter @param {import("./image_choices.js").Choices} choices */
  _showFound(filter, { counts }) {
    const { count } = this._list;
    const all = element("button", { type: "button", class: "quiet", onclick: () => this._grid.selectAll() }, "Select all");
    if (count) this._found.replaceChildren(element("span", {}, counted(count, "image")), all);
    else this._found.replaceChildren(element("p", { class: "card empty-state" }, nothing(filter, counts.all)));
    this._found.hidden = !count && filter.kind === "suggestions";
  }

  _photoDetail() {
    return new PhotoDetail({
      projectId: this._projectId,
      tags: () => this._tags,
      told: async (image) => this._told?.about(image) ?? null,
      toggle: (image, tagId, index) => this._toggle(image, tagId, index),
      remove: (image, index) => this._deleteSoon([index], [image.imageId]),
      closed: async (index) => {
        if (this._leaving.signal.aborted) return;
        // What is yet to be deleted would be there again; it is refreshed once that is done.
        if (this._undo.isPending) this._grid.show(this._list);
        else if (this._isStale) await this.refresh();
        this._grid.focusOn(index);
      },
    });
  }

  /** Gives an image a tag, or takes one that it has. @param {any} image @param {string} tagId @param {number} index */
  async _toggle({ imageId, tagIds }, tagId, index) {
    const tag = this._tags.find((each) => each.tagId === tagId);
    const place = this._list.placeOf(index);
    const change = tagIds.includes(tagId) ? this._changes.take : this._changes.give;
    await change.call(this._changes, [[imageId]], tag, () => this._oneChanged(imageId, place));
  }

  /** @param {string} imageId @param {number} place in the list that is open */
  async _oneChanged(imageId, place) {
    if (!this._detail.isOpen) return this._changed();
    this._isStale = true;
    const { filter } = this._filters;
    if (filter.kind !== "suggestions" && !filter.iterationId) {
      const { images } = await call("project", "ListImages", { ...imageRequest(this._projectId, filter), imageIds: [imageId] });
      this._list.setMissing([place], !images.length);
    }
    return this._detail.refresh();
  }
}

/** @param {Filter} filter @param {number} all how many images there are at all */
function nothing(filter, all) {
  if (filter.isWrongOnly) return "No held-out image was told wrong.";
  if (!all) return "No image yet. About 30 photos of each thing to tell apart are a good beginning.";
  return "No image is here.";
}
