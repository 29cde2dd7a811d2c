// Giving tags to images and taking them, such that exactly what was changed can be undone.

import { call } from "../../calls.js";
import { MULTICLASS } from "../../parts/project_fields.js";

const MOST_IN_ONE_CALL = 1000;
const OPPOSITE = { TagImages: "UntagImages", UntagImages: "TagImages" };

/** @typedef {{ method: keyof typeof OPPOSITE, tagId: string, imageIds: string[] }} Step */

/** One change of the tags of any number of images. */
export class TagChange {
  /** @param {any} project */
  constructor(project) {
    this._project = project;
    /** @type {Step[]} */
    this._steps = [];
    /** @type {Set<string>} */
    this._changed = new Set();
  }

  /** How many images have changed. */
  get imageCount() {
    return this._changed.size;
  }

  /** The images that have changed. */
  get imageIds() {
    return [...this._changed];
  }

  /**
   * Gives a tag to those that lack it; in a project of one tag an image, in place of the one they have.
   *
   * @param {string[]} imageIds
   * @param {string} tagId
   */
  async give(imageIds, tagId) {
    await this._each(imageIds, async (images) => {
      const lacking = images.filter((image) => !image.tagIds.includes(tagId));
      if (this._project.classificationType === MULTICLASS) {
        for (const held of new Set(lacking.flatMap((image) => image.tagIds))) {
          await this._step("UntagImages", held, lacking.filter((image) => image.tagIds.includes(held)));
        }
      }
      await this._step("TagImages", tagId, lacking);
    });
  }

  /** Takes a tag from those that have it. @param {string[]} imageIds @param {string} tagId */
  async take(imageIds, tagId) {
    await this._each(imageIds, (images) => this._step("UntagImages", tagId, images.filter((image) => image.tagIds.includes(tagId))));
  }

  /** Puts everything back as it was. */
  async undo() {
    await this._undoTo(0);
  }

  /**
   * Calls `change` for the images as they are now, many at a time. Where it fails, those many are as they were before.
   *
   * @param {string[]} imageIds
   * @param {(images: any[]) => Promise<void>} change
   */
  async _each(imageIds, change) {
    for (let first = 0; first < imageIds.length; first += MOST_IN_ONE_CALL) {
      const before = this._steps.length;
      try {
        await change(await currentImages(this._project.projectId, imageIds.slice(first, first + MOST_IN_ONE_CALL)));
      } catch (error) {
        await this._undoTo(before);
        throw error;
      }
    }
  }

  /** @param {Step["method"]} method @param {string} tagId @param {any[]} images */
  async _step(method, tagId, images) {
    if (!images.length) return;
    const imageIds = images.map(({ imageId }) => imageId);
    await call("project", method, { projectId: this._project.projectId, imageIds, tagIds: [tagId] });
    this._steps.push({ method, tagId, imageIds });
    for (const imageId of imageIds) this._changed.add(imageId);
  }

  /** @param {number} length */
  async _undoTo(length) {
    while (this._steps.length > length) {
      const { method, tagId, imageIds } = this._steps[this._steps.length - 1];
      await call("project", OPPOSITE[method], { projectId: this._project.projectId, imageIds, tagIds: [tagId] });
      this._steps.pop();
      if (!length) for (const imageId of imageIds) this._changed.delete(imageId);
    }
  }
}

/** Returns those of at most 1,000 images that the project has, as they are now. @param {string} projectId @param {string[]} imageIds @returns {Promise<any[]>} */
export async function currentImages(projectId, imageIds) {
  return (await call("project", "ListImages", { projectId, imageIds, pageSize: MOST_IN_ONE_CALL })).images;
}
