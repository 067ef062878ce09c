"""Text that everybody may read: no identity number gets in, no telephone number gets out."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from plugin_sdk.identifiers import find_identity_numbers, redact


def _clean(text: str) -> str:
    if find_identity_numbers(text, checksum=False):
        raise PydanticCustomError("identity_number", "it holds an identity number")
    return text


PublicText = Annotated[str, AfterValidator(_clean)]
"""A field whose text is published: one that holds an identity number is refused, also one with
a slip of the pen in it."""


def published_text(text: str | None) -> str | None:
    """Return a text as a public page shows it: mobile numbers are masked."""
    return redact(text) if text else text
