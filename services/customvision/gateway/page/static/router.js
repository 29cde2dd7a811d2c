// Moves between screens without loading the document again; the browser's back and forward buttons do what they should.

/** @type {() => void} */
let render = () => undefined;

/** @param {() => void} shows What is called whenever the path has changed. */
export function onNavigation(shows) {
  render = shows;
  addEventListener("popstate", () => render());
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !isOurs(event, link)) return;
    event.preventDefault();
    show(link.pathname + link.search);
  });
}

/** @param {string} path with its query @param {{ replace?: boolean }} [options] */
export function show(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", path);
  else if (path !== location.pathname + location.search) history.pushState(null, "", path);
  render();
}

/** Has the address say what the screen shows already: a reload, the way back and a link lead there. @param {string} query */
export function noteQuery(query) {
  if (query !== location.search) history.pushState(null, "", location.pathname + query);
}

/** @param {MouseEvent} event @param {HTMLAnchorElement} link */
function isOurs(event, link) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const stays = link.origin === location.origin && !link.target && !link.hasAttribute("download") && !link.hash;
  return plain && stays && !link.pathname.startsWith("/page/") && link.pathname !== "/docs";
}
