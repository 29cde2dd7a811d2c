// Who is signed in is the server's to know; here is only the way to the sign-in and back.

/** The server does not know this browser, or no longer. */
export class NotSignedIn extends Error {}

/** Nothing answers where the page came from. */
export const UNREACHABLE = "The server cannot be reached. Is `customvision up` running?";

/** Leads to the sign-in, from where the user comes back to this path. */
export function toSignIn() {
  if (location.pathname !== "/sign-in") location.assign(`/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`);
}

/** Returns the path to go to after signing in: one of this page's, whatever the address bar says. */
export function pathAfterSignIn() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  const target = new URL(next, location.origin);
  return target.origin === location.origin && next.startsWith("/") && !next.startsWith("/sign-in") ? target.pathname + target.search : "/";
}

/**
 * Begins a session. Throws an Error with a sentence where the key or the link is not valid.
 *
 * @param {{ key?: string, token?: string }} proof
 */
export async function signIn(proof) {
  const response = await asked({ method: "POST", body: JSON.stringify(proof) });
  if (!response.ok) throw new Error((await response.json()).message);
}

/** Ends the session of this browser. Throws an Error with a sentence where the server cannot be reached. */
export async function signOut() {
  await asked({ method: "DELETE" });
  location.assign("/sign-in");
}

/** @param {RequestInit} sent */
async function asked(sent) {
  try {
    return await fetch("/page/session", sent);
  } catch {
    throw new Error(UNREACHABLE);
  }
}
