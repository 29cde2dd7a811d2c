"""What can go wrong at the Azure end, one maker for each cause. All are CustomVisionError."""

import grpc

from customvision.client.errors import CustomVisionError

# Reasons that concern one image alone; the others of the project can still be had.
ABOUT_ONE_IMAGE = frozenset({"AZURE_ANSWER_TOO_LARGE", "AZURE_LINK_REFUSED", "AZURE_IMAGE_GONE"})


def endpoint_invalid(endpoint: str) -> CustomVisionError:
    """The endpoint is no address that could be called."""
    message = f"'{endpoint}' is no endpoint. Give one such as https://NAME.cognitiveservices.azure.com."
    return CustomVisionError("AZURE_ENDPOINT_INVALID", message, grpc.StatusCode.INVALID_ARGUMENT)


def key_invalid() -> CustomVisionError:
    """The key is empty or holds characters that no key has."""
    message = "The Azure training key is missing or holds characters that no key has; copy it again."
    return CustomVisionError("AZURE_KEY_INVALID", message, grpc.StatusCode.INVALID_ARGUMENT)


def key_refused(host: str) -> CustomVisionError:
    """The endpoint does not take the key."""
    message = f"{host} refuses the key. Give the training key of that resource, not its prediction key."
    return CustomVisionError("AZURE_KEY_REFUSED", message, grpc.StatusCode.UNAUTHENTICATED)


def unreachable(host: str, why: str) -> CustomVisionError:
    """Nothing answers at the endpoint, however often it was tried."""
    message = f"{host} does not answer ({why}). Check the endpoint and the connection, then run this again."
    return CustomVisionError("AZURE_UNREACHABLE", message, grpc.StatusCode.UNAVAILABLE)


def busy(host: str, status: int) -> CustomVisionError:
    """The endpoint goes on answering that it is too busy, or broken."""
    message = f"{host} goes on answering {status}. Run this again later; what was copied is kept."
    return CustomVisionError("AZURE_BUSY", message, grpc.StatusCode.UNAVAILABLE)


def refused(host: str, status: int, explanation: str) -> CustomVisionError:
    """The endpoint refuses a request; ``explanation`` is its own."""
    message = f"{host} answers {status}: {explanation}"
    metadata = {"status": str(status)}
    return CustomVisionError("AZURE_REQUEST_REFUSED", message, grpc.StatusCode.FAILED_PRECONDITION, metadata)


def not_the_api(host: str, why: str) -> CustomVisionError:
    """What answers is something else than the Custom Vision API."""
    message = f"{host} does not answer as the Custom Vision training API does ({why}). Check the endpoint."
    return CustomVisionError("AZURE_ANSWER_UNREADABLE", message, grpc.StatusCode.FAILED_PRECONDITION)


def too_large(limit: int) -> CustomVisionError:
    """An answer has more bytes than any of its kind can have."""
    message = f"It has more than {limit:,} bytes."
    return CustomVisionError("AZURE_ANSWER_TOO_LARGE", message, grpc.StatusCode.RESOURCE_EXHAUSTED)


def link_refused(link: str) -> CustomVisionError:
    """A link to an image leads where it may not be followed."""
    message = f"Its link {link[:80]} is not followed: only https, and http to the endpoint itself, are."
    return CustomVisionError("AZURE_LINK_REFUSED", message, grpc.StatusCode.PERMISSION_DENIED)


def image_gone() -> CustomVisionError:
    """An image that was listed cannot be had any more."""
    message = "It was deleted at the source, or its file is lost there."
    return CustomVisionError("AZURE_IMAGE_GONE", message, grpc.StatusCode.NOT_FOUND)


def project_not_found(name_or_id: str, names: list[str]) -> CustomVisionError:
    """The key opens no such project."""
    others = f"; there are: {', '.join(names[:20])}" if names else ""
    message = f"There is no Azure project '{name_or_id}' that this key opens{others}."
    return CustomVisionError("AZURE_PROJECT_NOT_FOUND", message, grpc.StatusCode.NOT_FOUND)


def project_ambiguous(name: str, ids: list[str]) -> CustomVisionError:
    """Several projects share the name."""
    message = f"{len(ids)} Azure projects are named '{name}'. Give the id instead, one of: {', '.join(ids)}."
    return CustomVisionError("AZURE_PROJECT_AMBIGUOUS", message, grpc.StatusCode.FAILED_PRECONDITION)


def object_detection(name: str) -> CustomVisionError:
    """The project finds objects; this suite classifies images."""
    message = f"'{name}' is an object detection project; only classification projects can be copied."
    return CustomVisionError("AZURE_OBJECT_DETECTION", message, grpc.StatusCode.FAILED_PRECONDITION)


def other_type(name: str, *, here: str, there: str) -> CustomVisionError:
    """The project to continue here is of the other classification type."""
    message = f"The project '{name}' here is {here} and the Azure project is {there}. Copy it under another name."
    return CustomVisionError("AZURE_TYPE_DIFFERS", message, grpc.StatusCode.FAILED_PRECONDITION)


def other_project(name: str, image_count: int) -> CustomVisionError:
    """The project to continue here holds images, and none of them came from the Azure project."""
    message = (
        f"The project '{name}' here has {image_count:,} images and none of the Azure project's. Copy under another "
        "name (--name), or add to it on purpose (--into)."
    )
    return CustomVisionError("AZURE_PROJECT_DIFFERS", message, grpc.StatusCode.ALREADY_EXISTS)
