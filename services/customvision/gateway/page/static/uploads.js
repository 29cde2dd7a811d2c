// Photos to the service, a few at a time. A folder's name becomes the tag of what is in it.

import { call, CallError, sendPhoto } from "./calls.js";
import { NotSignedIn } from "./session.js";

const AT_ONCE = 4;
const ATTEMPTS = 4;
const PAUSE_MILLISECONDS = 1000;
// Beside the statuses that the service gives.
const FAILED = "FAILED";

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
  const folders = await tagsOfFolders(projectId, photos, tags, signal);
  const waiting = photos.values();
  const work = async () => {
    for (const photo of waiting) {
      if (signal.aborted) return;
      const { tagId, problem } = folders.get(photo.tagName) ?? {};
      sent(problem ? { photo, status: FAILED, message: problem } : await outcomeOf(projectId, photo, tagId, signal));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/**
 * Returns the tag of each folder, made where it is missing, or why its name cannot be one.
 *
 * @param {string} projectId
 * @param {Photo[]} photos
 * @param {any[]} tags those of the project
 * @param {AbortSignal} signal
 * @returns {Promise<Map<string, { tagId?: string, problem?: string }>>}
 */
async function tagsOfFolders(projectId, photos, tags, signal) {
  /** @type {Map<string, { tagId?: string, problem?: string }>} */
  const folders = new Map(tags.map(({ name, tagId }) => [name, { tagId }]));
  for (const name of new Set(photos.map(({ tagName }) => tagName))) {
    if (!name || folders.has(name) || signal.aborted) continue;
    try {
      const { tagId } = await patiently(() => call("project", "CreateTag", { projectId, name }), signal);
      folders.set(name, { tagId });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      folders.set(name, { problem: `Its folder's name makes no tag: ${error.message}` });
    }
  }
  return folders;
}

/** @param {string} projectId @param {Photo} photo @param {string | undefined} tagId @param {AbortSignal} signal @returns {Promise<Outcome>} */
async function outcomeOf(projectId, photo, tagId, signal) {
  try {
    // Sending a photo again is safe: one that arrived is known.
    return { photo, ...(await patiently(() => send(projectId, photo, tagId, signal), signal)) };
  } catch (error) {
    if (error instanceof NotSignedIn || signal.aborted) throw error;
    return { photo, status: FAILED, message: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Returns what some work comes to, which is tried again where a service is away for a moment. Throws what it throws at last.
 *
 * @template Result
 * @param {() => Promise<Result>} work
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
async function patiently(work, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const isRefused = error instanceof CallError && error.code !== "UNAVAILABLE";
      if (isRefused || error instanceof NotSignedIn || signal.aborted || attempt === ATTEMPTS) throw error;
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
