// Calls to the services, by the names and fields of the contract (docs/api.md), in JSON.

import { NotSignedIn, UNREACHABLE } from "./session.js";

/** A service refused, or could not be reached; `message` is a sentence for people, `reason` a word for programs. */
export class CallError extends Error {
  /** @param {{ message: string, reason?: string, code?: string }} told */
  constructor(told) {
    super(told.message);
    this.reason = told.reason ?? "";
    this.code = told.code ?? "";
  }
}

/**
 * Makes a call with one response. Throws CallError, and NotSignedIn.
 *
 * @param {string} service `project`, `training` or `prediction`
 * @param {string} method
 * @param {object} [request]
 * @returns {Promise<any>}
 */
export async function call(service, method, request = {}) {
  return (await answered(`/page/calls/${service}/${method}`, request)).json();
}

/**
 * Makes a call with many responses and yields them as they come. Throws CallError, and NotSignedIn.
 *
 * @param {string} service
 * @param {string} method
 * @param {object} request
 * @param {AbortSignal} signal ends it
 * @returns {AsyncGenerator<any>}
 */
export async function* stream(service, method, request, signal) {
  const response = await answered(`/page/streams/${service}/${method}`, request, signal);
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.error) throw new CallError(message.error);
      yield message;
    }
  }
}

/**
 * Makes a call that goes on though the page is being left; nobody hears what became of it. A request of up to 64 KB.
 *
 * @param {string} service
 * @param {string} method
 * @param {object} request
 */
export function callOnLeaving(service, method, request) {
  fetch(`/page/calls/${service}/${method}`, { method: "POST", body: JSON.stringify(request), keepalive: true });
}

/**
 * Sends a photo as its bytes, to one of the routes that take them. Throws CallError, and NotSignedIn.
 *
 * @param {string} path
 * @param {Blob} photo
 * @param {AbortSignal} [signal] ends it
 * @returns {Promise<any>}
 */
export async function sendPhoto(path, photo, signal) {
  if (!photo.size) throw new CallError({ message: "The file is empty; choose another photo." });
  return (await posted(path, { body: photo, headers: { "Content-Type": "application/octet-stream" }, signal })).json();
}

/** Returns all items of a list that comes in pages.
 *
 * @param {string} service
 * @param {string} method
 * @param {object} request
 * @param {string} field
 * @returns {Promise<any[]>}
 */
export async function callForAll(service, method, request, field) {
  const items = [];
  let pageToken = "";
  do {
    const page = await call(service, method, { ...request, pageToken });
    items.push(...page[field]);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return items;
}

/** Returns a new id for a call that may be repeated. */
export function requestId() {
  // crypto.randomUUID is missing where the page is not served from loopback nor over TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @param {string} path @param {object} request @param {AbortSignal} [signal] */
function answered(path, request, signal) {
  return posted(path, { body: JSON.stringify(request), signal });
}

/** @param {string} path @param {RequestInit} sent */
async function posted(path, sent) {
  let response;
  try {
    response = await fetch(path, { method: "POST", ...sent });
  } catch (error) {
    if (sent.signal?.aborted) throw error;
    throw new CallError({ code: "UNAVAILABLE", message: UNREACHABLE });
  }
  if (response.status === 401) throw new NotSignedIn("You are not signed in any more.");
  if (!response.ok) throw new CallError({ ...(await response.json()), ...(response.status === 503 && { code: "UNAVAILABLE" }) });
  return response;
}
