// The photos that are on their way to a project: they go on while other screens are shown, and are seen again on coming back.

import { notice } from "../../parts/notices.js";
import { WorkBar } from "../../parts/work_bar.js";
import { upload } from "../../uploads.js";
import { counted } from "../../words.js";

// What did not go wrong: a photo that is there already gets its new tags.
const TAKEN = new Set(["IMAGE_CREATE_STATUS_OK", "IMAGE_CREATE_STATUS_OK_DUPLICATE"]);
const MOST_TOLD = 3;

/** @type {Map<string, PhotoUploads>} */
const uploads = new Map();

/** Returns the uploads to a project, whichever screen began them. @param {string} projectId */
export function uploadsTo(projectId) {
  const those = uploads.get(projectId) ?? new PhotoUploads(projectId);
  uploads.set(projectId, those);
  return those;
}

/**
 * A screen that shows what comes: `arrived` is called for each photo, `added` once all have travelled.
 *
 * @typedef {{ arrived: () => void, added: () => Promise<void> }} Follower
 */

class PhotoUploads {
  /** @param {string} projectId */
  constructor(projectId) {
    this._projectId = projectId;
    /** Has a bar for each upload, and for whatever else takes long with the images of the project. */
    this.bar = new WorkBar();
    /** @type {Follower | undefined} */
    this._follower = undefined;
  }

  /** Tells a screen what comes from now on, and no other. @param {Follower} follower */
  follow(follower) {
    this._follower = follower;
  }

  /** Tells a screen nothing more; where another follows already, that goes on. @param {Follower} follower */
  unfollow(follower) {
    if (this._follower === follower) this._follower = undefined;
  }

  /** @param {import("../../uploads.js").Photo[]} photos @param {any[]} tags those of the project */
  async send(photos, tags) {
    /** @type {import("../../uploads.js").Outcome[]} */
    const outcomes = [];
    try {
      await this.bar.run({ total: photos.length, noun: "photo", label: "Photos sent" }, async (done, signal) => {
        const sent = (/** @type {import("../../uploads.js").Outcome} */ outcome) => {
          outcomes.push(outcome);
          done(1);
          this._follower?.arrived();
        };
        await upload(this._projectId, photos, tags, sent, signal).catch((error) => {
          if (!signal.aborted) throw error;
        });
      });
    } finally {
      await this._follower?.added();
    }
    tell(outcomes);
  }
}

/** @param {import("../../uploads.js").Outcome[]} outcomes */
function tell(outcomes) {
  const refused = outcomes.filter(({ status }) => !TAKEN.has(status));
  for (const { photo, message } of refused.slice(0, MOST_TOLD)) notice(`${photo.file.name}: ${message}`, { isError: true });
  if (refused.length > MOST_TOLD) notice(`${counted(refused.length - MOST_TOLD, "more photo")} could not be used.`, { isError: true });
  notice(`${counted(outcomes.length - refused.length, "photo")} added.`);
}
