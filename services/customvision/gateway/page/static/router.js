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
    show(link.pathname);
  });
}

/** @param {string} path @param {{ replace?: boolean }} [options] */
export function show(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", path);
  else if (path !== location.pathname) history.pushState(null, "", path);
  render();
}

/** @param {MouseEvent} event @param {HTMLAnchorElement} link */
function isOurs(event, link) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const stays = link.origin === location.origin && !link.target && !link.hasAttribute("download") && !link.hash;
  return plain && stays && !link.pathname.startsWith("/page/") && link.pathname !== "/docs";
}
