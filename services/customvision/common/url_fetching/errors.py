"""Why a URL could not be fetched, one class per cause. Messages name the host at most: a URL may carry secrets."""

from customvision.common.errors import FailedPrecondition, InvalidArgument


class UrlInvalid(InvalidArgument):
    """The text is no http or https URL that can be fetched."""

    reason = "URL_INVALID"


class UrlRefused(InvalidArgument):
    """The URL leads to this machine, to a private network, or to another address that is not of the internet."""

    reason = "URL_REFUSED"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"'{host}' is not fetched from: it has an address of this machine, of a private network, or otherwise not "
            "of the internet. Use a public URL, or have CUSTOMVISION_URL_ALLOWED_HOSTS name the host.",
            metadata={"host": host},
        )


class UrlContentTooLarge(InvalidArgument):
    """What the URL leads to has more bytes than are wanted."""

    reason = "URL_CONTENT_TOO_LARGE"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            f"The file at the URL has more than {max_bytes:,} bytes ({max_bytes // 2**20} MiB). Save it smaller.",
            metadata={"max_bytes": str(max_bytes)},
        )


class UrlHostUnknown(FailedPrecondition):
    """No address is known for the host."""

    reason = "URL_HOST_UNKNOWN"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"No address is known for '{host}'; see that the URL is right and that this machine resolves names.",
            metadata={"host": host},
        )


class UrlUnreachable(FailedPrecondition):
    """The host does not let itself be connected to, cannot be trusted, or does not speak HTTP to the end."""

    reason = "URL_UNREACHABLE"

    def __init__(self, host: str, problem: str) -> None:
        super().__init__(
            f"Nothing could be fetched from '{host}': {problem}. See that the URL opens elsewhere.",
            metadata={"host": host},
        )


class UrlTooSlow(FailedPrecondition):
    """The file did not come in time."""

    reason = "URL_TOO_SLOW"

    def __init__(self, host: str, seconds: float) -> None:
        super().__init__(
            f"'{host}' did not give the file within {seconds:g} seconds; try again later, or send the file itself.",
            metadata={"host": host, "seconds": f"{seconds:g}"},
        )


class UrlAnswerUnusable(FailedPrecondition):
    """The host answers, but not with the file."""

    reason = "URL_ANSWER_UNUSABLE"

    def __init__(self, host: str, problem: str, *, status: int) -> None:
        super().__init__(
            f"'{host}' does not give the file: {problem}. See that the URL leads to the file itself.",
            metadata={"host": host, "status": str(status)},
        )


class UrlRedirectedTooOften(FailedPrecondition):
    """The URL leads from one address to another without end."""

    reason = "URL_REDIRECTED_TOO_OFTEN"

    def __init__(self, host: str, most: int) -> None:
        super().__init__(
            f"The URL leads on more than {most} times, the last time from '{host}'. Use the address where it ends.",
            metadata={"host": host, "max_redirects": str(most)},
        )


URL_ERRORS = (
    UrlInvalid,
    UrlRefused,
    UrlContentTooLarge,
    UrlHostUnknown,
    UrlUnreachable,
    UrlTooSlow,
    UrlAnswerUnusable,
    UrlRedirectedTooOften,
)
