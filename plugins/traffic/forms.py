"""The forms of traffic."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from plugin_sdk.forms import Form
from plugin_sdk.identifiers import IdentifierError
from plugin_sdk.problems import FieldError, Invalid
from plugin_sdk.views import FieldKind, Phrase
from plugins.traffic.identifiers import read_file_number, read_plate

TAIL: str = r"^[0-9A-HJ-NPR-Za-hj-npr-z]{6}$"


def wrong(field: str, code: str, **params: Any) -> FieldError:
    """Return the error of a field in the app's own words, at `traffic.wrong.<code>`."""
    return FieldError(field, Phrase(f"traffic.wrong.{code}", params))


def _checked(field: str, read: Any) -> Any:
    def check(text: str) -> str:
        try:
            found: str = read(text)
        except IdentifierError as error:
            raise Invalid(wrong(field, error.code)) from None
        return found

    return AfterValidator(check)


PlateText = Annotated[
    str, Field(min_length=1, max_length=20), _checked("plate", lambda text: read_plate(text).text)
]
OtherPlate = Annotated[
    str,
    Field(min_length=1, max_length=20),
    _checked("other_plate", lambda text: read_plate(text).text),
]
"""The plate of somebody else's vehicle, beside one's own."""
FileNumber = Annotated[
    str, Field(min_length=1, max_length=20), _checked("file_number", read_file_number)
]


class VehicleForm(Form):
    """A vehicle that somebody says is theirs: its plate, and what stands in their papers."""

    plate: PlateText
    vin_tail: str = Field(min_length=6, max_length=6, pattern=TAIL)


class LicenceForm(Form):
    """A licence that somebody says is theirs."""

    file_number: FileNumber


class ReleaseForm(Form):
    """A vehicle that an officer frees from whoever has bound it, and why."""

    kinds: ClassVar[dict[str, FieldKind]] = {"reason": "textarea"}

    plate: PlateText
    reason: str = Field(min_length=1, max_length=500)


class ObjectionForm(Form):
    """Why a violation should not stand."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "text": "textarea",
        "photos": "photo",
    }

    violation: str = Field(min_length=6, max_length=32, pattern=r"^[0-9A-Z]+$")
    text: str = Field(min_length=1, max_length=2000)
    photos: str | None = Field(default=None, max_length=0)
