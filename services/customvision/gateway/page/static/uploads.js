// Photos to the service, a few at a time. A folder's name becomes the tag of what is in it.

import { call, CallError, sendPhoto } from "./calls.js";
import { NotSignedIn } from "./session.js";

const AT_ONCE = 4;
const ATTEMPTS = 4;
const PAUSE_MILLISECONDS = 1000;

/** @typedef {{ file: File, tagName: string }} Photo */
/** @typedef {{ photo: Photo, status: string, message: string }} Outcome */

/**
 * Returns photos of files from a file picker: those of a folder have its name as their tag.
 *
 * @param {Iterable<File>} files
 * @returns {Photo[]}
 */
export function photosOf(files) {
  return [...files].filter(isPhoto).map((file) => ({ file, tagName: folderOf(file.webkitRelativePath) }));
}

/**
 * Returns photos of what was dropped, with those in folders and their folders.
 *
 * @param {DataTransfer} dropped
 * @returns {Promise<Photo[]>}
 */
export async function droppedPhotos(dropped) {
  // All at once, before anything is waited for: the browser forgets them then.
  const found = [...dropped.items].map((item) => {
    const entry = item.webkitGetAsEntry();
    if (entry) return photosBelow(entry, "");
    // What comes out of another page, not out of a folder, is a file alone.
    const file = item.getAsFile();
    return file ? photosOf([file]) : [];
  });
  return (await Promise.all(found)).flat();
}

/** @param {FileSystemEntry} entry @param {string} folder @returns {Promise<Photo[]>} */
async function photosBelow(entry, folder) {
  if (entry.isFile) {
    const file = await new Promise((/** @type {(file: File) => void} */ resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    return isPhoto(file) ? [{ file, tagName: folder }] : [];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const photos = [];
  for (;;) {
    // It gives a hundred entries at a time, and none once it has given all.
    const entries = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (!entries.length) return photos.flat();
    photos.push(...(await Promise.all(entries.map((each) => photosBelow(each, entry.name)))));
  }
}

/**
 * Sends photos; makes the tags that are missing. `sent` hears of each photo what became of it.
 *
 * @param {string} projectId
 * @param {Photo[]} photos
 * @param {any[]} tags those of the project
 * @param {(outcome: Outcome) => void} sent
 * @param {AbortSignal} signal ends it
 */
export async function upload(projectId, photos, tags, sent, signal) {
  const ids = new Map(tags.map(({ name, tagId }) => [name, tagId]));
  for (const name of new Set(photos.map(({ tagName }) => tagName))) {
    if (name && !ids.has(name)) ids.set(name, (await call("project", "CreateTag", { projectId, name })).tagId);
  }
  const waiting = photos.values();
  const work = async () => {
    for (const photo of waiting) {
      if (signal.aborted) return;
      sent(await outcomeOf(projectId, photo, ids.get(photo.tagName), signal));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** @param {string} projectId @param {Photo} photo @param {string | undefined} tagId @param {AbortSignal} signal @returns {Promise<Outcome>} */
async function outcomeOf(projectId, photo, tagId, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { photo, ...(await send(projectId, photo, tagId, signal)) };
    } catch (error) {
      if (error instanceof NotSignedIn || signal.aborted) throw error;
      const isOver = attempt === ATTEMPTS || (error instanceof CallError && error.code !== "UNAVAILABLE");
      if (isOver) return { photo, status: "FAILED", message: error instanceof Error ? error.message : String(error) };
      // Sending a photo again is safe: one that arrived is known.
      await new Promise((resolve) => setTimeout(resolve, attempt * PAUSE_MILLISECONDS));
    }
  }
}

/** @param {string} projectId @param {Photo} photo @param {string | undefined} tagId @param {AbortSignal} signal */
async function send(projectId, photo, tagId, signal) {
  const query = new URLSearchParams({ fileName: photo.file.name });
  if (tagId) query.append("tagIds", tagId);
  const { results } = await sendPhoto(`/page/projects/${projectId}/images?${query}`, photo.file, signal);
  const [{ status, message }] = results;
  return { status, message };
}

/** @param {File} file */
function isPhoto(file) {
  return file.type.startsWith("image/") && !file.name.startsWith(".");
}

/** @param {string} path */
function folderOf(path) {
  return path.split("/").at(-2) ?? "";
}
