"""Where a model's files are on a Hugging Face hub or a mirror of it, and how large they are."""

import os
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import Final

from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.output import clean
from chatttsd.models.manifest import Manifest

DEFAULT: Final = "https://huggingface.co"
_NOT_FOUND: Final = 404


class Hub:
    """The hub's addresses and sizes for one model; it reads through huggingface_hub, without a token.

    Raises CommandError when `endpoint` is no http(s) address (2), later when huggingface_hub is missing.
    """

    def __init__(self, manifest: Manifest, endpoint: str = "") -> None:
        self._manifest = manifest
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or DEFAULT).rstrip("/")
        if not self.endpoint.startswith(("http://", "https://")):
            raise CommandError(
                f"mirror: got '{clean(self.endpoint, 80)}', allowed: an http:// or https:// address",
                Exit.USAGE,
            )

    @cached_property
    def _library(self) -> ModuleType:
        return _import_library()

    def url(self, path: str) -> str:
        """Return the address of a file."""
        made: str = self._library.hf_hub_url(
            self._manifest.repository, path, revision=self._manifest.revision, endpoint=self.endpoint
        )
        return made

    def size(self, path: str) -> int | None:
        """Ask how many bytes a file has; None where the hub does not say. Raises CommandError."""
        url = self.url(path)
        library = self._library
        try:
            size: int | None = library.get_hf_file_metadata(url, token=False).size
        except Exception as error:
            # The library's errors are those of whichever HTTP client it was made with.
            raise CommandError(f"{url}: {reason(error)}") from None
        return size


def _import_library() -> ModuleType:
    # Read by the library once, when it is imported.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ImportError:
        raise CommandError("models fetch needs huggingface_hub: pip install 'chatttsd[chattts]'") from None
    if constants.HF_HUB_OFFLINE:
        raise CommandError("offline: HF_HUB_OFFLINE is set")
    return huggingface_hub


def reason(error: BaseException) -> str:
    """Return why a request failed as a part of a sentence."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return status_reason(int(status))
    for cause in _causes(error):
        if isinstance(cause, TimeoutError):
            return "no answer in time"
        if isinstance(cause, OSError) and cause.strerror:
            return f"cannot connect: {cause.strerror}"
    return f"cannot connect: {clean(error) or type(error).__name__}"


def status_reason(status: int) -> str:
    """Return what an HTTP status means for the user."""
    if status == _NOT_FOUND:
        return "not found (HTTP 404)"
    return f"the server refuses (HTTP {status})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from the innermost cause outwards."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    yield from reversed(chain)
