// Tagging, untagging and deleting images, each with a notice that undoes it.

import { call, callOnLeaving } from "../../calls.js";
import { TagChange } from "./tag_changes.js";
import { counted } from "../../words.js";
import { notice } from "../../parts/notices.js";

const MOST_IN_ONE_CALL = 1000;

/** @typedef {AsyncIterable<string[]> | Iterable<string[]>} Batches ids of images, many at a time */

/** What is done with images. `changed` is called when something is different, and again where it was undone. */
export class ImageChanges {
  /** @param {any} project @param {import("./undo.js").Undo} undo @param {(imageIds: string[]) => Promise<void>} undone after tags are as before */
  constructor(project, undo, undone) {
    this._project = project;
    this._undo = undo;
    this._undone = undone;
  }

  /**
   * Gives a tag; in a project of one tag an image, in place of the one it has.
   *
   * @param {Batches} batches
   * @param {{ tagId: string, name: string }} tag
   * @param {() => Promise<void>} changed
   */
  async give(batches, tag, changed) {
    await this.change(
      async (change) => {
        for await (const imageIds of batches) await change.give(imageIds, tag.tagId);
      },
      (count) => `${counted(count, "image")} tagged ${tag.name}.`,
      changed,
    );
  }

  /** @param {Batches} batches @param {{ tagId: string, name: string }} tag @param {() => Promise<void>} changed */
  async take(batches, tag, changed) {
    await this.change(
      async (change) => {
        for await (const imageIds of batches) await change.take(imageIds, tag.tagId);
      },
      (count) => `${counted(count, "image")} without ${tag.name}.`,
      changed,
    );
  }

  /**
   * Changes tags. What was changed can be undone also where the change ended early with an error, which is thrown on.
   *
   * @param {(change: TagChange) => Promise<void>} apply
   * @param {(count: number) => string} sentence of how many images changed
   * @param {() => Promise<void>} changed
   */
  async change(apply, sentence, changed) {
    await this._undo.settle();
    const change = new TagChange(this._project);
    try {
      await apply(change);
    } finally {
      await changed();
      const { imageCount, imageIds } = change;
      const undo = async () => {
        await change.undo();
        await this._undone(imageIds);
        await changed();
      };
      if (imageCount) this._undo.offer({ sentence: sentence(imageCount), undo });
    }
    if (!change.imageCount) notice("Nothing changed: they are so already, or have left the project.");
  }

  /**
   * Takes at most 1,000 images out of what is seen at once, and out of the project when it cannot be undone any more.
   *
   * @param {import("../../parts/paged_list.js").PagedList} list
   * @param {number[]} indices
   * @param {string[]} imageIds
   * @param {{ seen: () => Promise<void>, deleted: (places: number[]) => Promise<void> }} then
   */
  async deleteSoon(list, indices, imageIds, { seen, deleted }) {
    await this._undo.settle();
    const request = { projectId: this._project.projectId, imageIds };
    const places = list.hide(indices);
    this._undo.offer({
      sentence: `${counted(imageIds.length, "image")} will be deleted when this notice goes.`,
      undo: async () => {
        list.unhide(places);
        await seen();
      },
      settle: async (isLeaving) => {
        if (isLeaving) return callOnLeaving("project", "DeleteImages", request);
        try {
          await call("project", "DeleteImages", request);
        } catch (error) {
          list.unhide(places);
          await seen();
          throw error;
        }
        return deleted(places);
      },
    });
    await seen();
  }

  /** Deletes any number of images at once and for good. @param {Batches} batches @param {() => Promise<void>} changed */
  async delete(batches, changed) {
    await this._undo.settle();
    let count = 0;
    try {
      for await (const imageIds of batches) {
        count += Number((await call("project", "DeleteImages", { projectId: this._project.projectId, imageIds })).deletedCount);
      }
    } finally {
      await changed();
    }
    notice(`${counted(count, "image")} deleted.`);
  }

  /** Returns whether so many can be deleted such that it can be undone. @param {number} count */
  canUndoDeletionOf(count) {
    return count <= MOST_IN_ONE_CALL;
  }
}
