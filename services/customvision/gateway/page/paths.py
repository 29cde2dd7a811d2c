"""Which paths are the page's, and which of them need nobody to be signed in."""

from customvision.common import sign_in

# What a browser shows as a page of its own; the script decides what is on it.
SCREEN_PATHS = ("/", "/projects/{rest:path}")
SIGN_IN_PATH = sign_in.SIGN_IN_PATH
SESSION_PATH = "/page/session"
FILES_PREFIX = "/page/files/"
CALLS_PREFIX = "/page/"
OPEN_PATHS = frozenset({SIGN_IN_PATH, SESSION_PATH})


def is_screen(path: str) -> bool:
    """Returns whether ``path`` is one that people see in the address bar of their browser."""
    return path == "/" or path.startswith("/projects/")


def is_page(path: str) -> bool:
    """Returns whether a path is the page's: a session opens it, a key does not."""
    return is_screen(path) or path == SIGN_IN_PATH or path.startswith(CALLS_PREFIX)


def needs_session(path: str) -> bool:
    """Returns whether a path is for who is signed in: not the sign-in itself, nor files that are the same for all."""
    return is_page(path) and path not in OPEN_PATHS and not path.startswith(FILES_PREFIX)
