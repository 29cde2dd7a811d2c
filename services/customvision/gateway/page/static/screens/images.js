// The images of a project: adding them by drop, seeing them, tagging, untagging and deleting them.

import { call, callForAll } from "../calls.js";
import { element } from "../dom.js";
import { openDialog } from "../parts/dialog.js";
import { notice } from "../parts/notices.js";
import { PhotoGrid } from "../parts/photo_grid.js";
import { projectHead } from "../parts/tabs.js";
import { droppedPhotos, photosOf, upload } from "../uploads.js";
import { counted } from "../words.js";

const ALL = { name: "All", request: {} };
const UNTAGGED = { name: "Untagged", request: { taggingStatus: "TAGGING_STATUS_UNTAGGED" } };
const MOST_IN_ONE_CALL = 1000;
// What did not go wrong: a photo that is there already gets its new tags.
const TAKEN = new Set(["IMAGE_CREATE_STATUS_OK", "IMAGE_CREATE_STATUS_OK_DUPLICATE"]);

/** @param {string} projectId @returns {Promise<import("../main.js").Screen>} */
export async function imagesScreen(projectId) {
  const project = await call("project", "GetProject", { projectId });
  const images = new Images(project);
  await images.refresh();
  return { title: project.name, content: images.element };
}

class Images {
  /** @param {any} project */
  constructor(project) {
    this._project = project;
    this._shown = "";
    this._filters = element("div", { class: "filters", role: "group", "aria-label": "Which images" });
    this._actions = element("div", { class: "actions", role: "toolbar", "aria-label": "Selected images", hidden: true });
    this._grid = element("div", {});
    this._progress = element("div", { class: "progress", hidden: true });
    this.element = element(
      "section",
      { class: "images" },
      projectHead(project, "images"),
      this._addButtons(),
      this._progress,
      this._filters,
      this._actions,
      this._grid,
    );
    this._takeDrops();
  }

  /** Asks for tags and images again. */
  async refresh() {
    const { projectId } = this._project;
    const [tags, all, untagged] = await Promise.all([
      callForAll("project", "ListTags", { projectId, pageSize: 1000 }, "tags"),
      call("project", "CountImages", { projectId }),
      call("project", "CountImages", { projectId, ...UNTAGGED.request }),
    ]);
    this._tags = tags;
    const choices = [
      { id: "", ...ALL, count: all.imageCount },
      { id: "untagged", ...UNTAGGED, count: untagged.imageCount },
      ...tags.map(({ tagId, name, imageCount }) => ({ id: tagId, name, count: imageCount, request: { tagIds: [tagId] } })),
    ];
    const chosen = choices.find(({ id }) => id === this._shown) ?? choices[0];
    this._filters.replaceChildren(...choices.map((choice) => this._filter(choice, choice === chosen)));
    this._photos = new PhotoGrid({ projectId, ...chosen.request, order: "IMAGE_ORDER_NEWEST_FIRST" }, () => this._showActions());
    this._actions.hidden = true;
    await this._photos.more();
    this._grid.replaceChildren(this._photos.images.length ? this._photos.root : nothing(chosen.id));
  }

  /** @param {{ id: string, name: string, count: string }} choice @param {boolean} isChosen */
  _filter({ id, name, count }, isChosen) {
    const choose = async () => {
      this._shown = id;
      await this.refresh();
    };
    return element(
      "button",
      { type: "button", class: "filter", "aria-pressed": String(isChosen), onclick: choose },
      element("span", { dir: "auto" }, name),
      " ",
      element("span", { class: "figures" }, Number(count).toLocaleString()),
    );
  }

  _addButtons() {
    const files = element("input", { type: "file", multiple: true, accept: "image/*", hidden: true });
    const folder = element("input", { type: "file", webkitdirectory: true, hidden: true });
    for (const input of [files, folder]) {
      input.addEventListener("change", () => {
        this._upload(photosOf(input.files ?? []));
        input.value = "";
      });
    }
    return element(
      "div",
      { class: "drop" },
      element("p", {}, "Drop photos or folders here. A folder's name becomes the tag of its photos."),
      element("button", { type: "button", class: "primary", onclick: () => files.click() }, "Add photos…"),
      element("button", { type: "button", onclick: () => folder.click() }, "Add a folder…"),
      files,
      folder,
    );
  }

  _takeDrops() {
    this.element.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.element.classList.add("dropping");
    });
    this.element.addEventListener("dragleave", () => this.element.classList.remove("dropping"));
    this.element.addEventListener("drop", async (event) => {
      event.preventDefault();
      this.element.classList.remove("dropping");
      if (event.dataTransfer) this._upload(await droppedPhotos(event.dataTransfer));
    });
  }

  /** @param {import("../uploads.js").Photo[]} photos */
  async _upload(photos) {
    if (!photos.length) return notice("There is no photo among what you chose.", { isError: true });
    const stopping = new AbortController();
    const bar = element("progress", { max: photos.length, value: 0, "aria-label": "Photos sent" });
    const text = element("span", {}, `0 of ${counted(photos.length, "photo")}`);
    const stop = element("button", { type: "button", onclick: () => stopping.abort() }, "Stop");
    /** @type {import("../uploads.js").Outcome[]} */
    const refused = [];
    this._progress.replaceChildren(bar, text, stop);
    this._progress.hidden = false;
    const sent = (/** @type {import("../uploads.js").Outcome} */ outcome) => {
      bar.value += 1;
      text.textContent = `${bar.value} of ${counted(photos.length, "photo")}`;
      if (!TAKEN.has(outcome.status)) refused.push(outcome);
    };
    try {
      await upload(this._project.projectId, photos, this._tags ?? [], sent, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    } finally {
      this._progress.hidden = true;
      await this.refresh();
    }
    for (const { photo, message } of refused.slice(0, 3)) notice(`${photo.file.name}: ${message}`, { isError: true });
    if (refused.length > 3) notice(`${counted(refused.length - 3, "more photo")} could not be used.`, { isError: true });
    return notice(`${counted(bar.value - refused.length, "photo")} added.`);
  }

  _showActions() {
    const count = this._photos?.selected.size ?? 0;
    this._actions.hidden = !count;
    this._actions.replaceChildren(
      element("strong", {}, `${counted(count, "image")} selected`),
      element("button", { type: "button", onclick: () => this._askForTag() }, "Tag…"),
      element("button", { type: "button", onclick: () => this._askForTagToTake() }, "Untag…"),
      element("button", { type: "button", onclick: () => this._askToDelete() }, "Delete…"),
      element("button", { type: "button", class: "quiet", onclick: () => this._photos?.clear() }, "Select none"),
    );
  }

  _askForTag() {
    const names = element("datalist", { id: "tag-names" }, ...(this._tags ?? []).map(({ name }) => element("option", { value: name })));
    openDialog({
      title: "Tag the selected images",
      content: [
        element("label", { for: "tag" }, "Tag"),
        element("input", { id: "tag", name: "tag", list: "tag-names", required: true, maxlength: 128, autocomplete: "off" }),
        element("span", { class: "help" }, "A name that is new makes a tag."),
        names,
      ],
      action: "Tag",
      submit: async (fields) => {
        const name = String(fields.get("tag"));
        const known = this._tags?.find((tag) => tag.name === name);
        const { tagId } = known ?? (await call("project", "CreateTag", { projectId: this._project.projectId, name }));
        await this._change("TagImages", { tagIds: [tagId] });
      },
    });
  }

  _askForTagToTake() {
    const options = (this._tags ?? []).map(({ tagId, name }) => element("option", { value: tagId }, name));
    openDialog({
      title: "Take a tag from the selected images",
      content: [element("label", { for: "tag" }, "Tag"), element("select", { id: "tag", name: "tag", required: true }, ...options)],
      action: "Untag",
      submit: (fields) => this._change("UntagImages", { tagIds: [fields.get("tag")] }),
    });
  }

  _askToDelete() {
    openDialog({
      title: `Delete ${counted(this._photos?.selected.size ?? 0, "image")}?`,
      content: [element("p", {}, "They leave the project. Iterations that were trained on them keep what they learned.")],
      action: "Delete",
      isDangerous: true,
      submit: () => this._change("DeleteImages", {}),
    });
  }

  /** Makes a call for the selected images, as many at a time as it takes. @param {string} method @param {object} request */
  async _change(method, request) {
    const ids = [...(this._photos?.selected ?? [])];
    for (let first = 0; first < ids.length; first += MOST_IN_ONE_CALL) {
      const imageIds = ids.slice(first, first + MOST_IN_ONE_CALL);
      await call("project", method, { projectId: this._project.projectId, imageIds, ...request });
    }
    await this.refresh();
  }
}

/** @param {string} filter */
function nothing(filter) {
  const text = filter ? "No image is here." : "No image yet. About 30 photos of each thing to tell apart are a good beginning.";
  return element("p", { class: "card empty-state" }, text);
}
