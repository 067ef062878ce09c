"""Data elements (数据元): what a field asks for, in words that mean the same in every app.

A form names them (`Form.elements`), a manifest asks for them (`[data] elements`), and the hub
fills in what it holds already: marked with where it is from, counted as spared. The Chinese
names are those of the national catalogue of common data elements (GB/T 19488.2 电子政务数据元
公共数据元目录) as far as it has them; the keys are ours.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from plugin_sdk.identifiers import (
    IdentifierError,
    normalize_credit_code,
    normalize_identity_number,
    normalize_phone,
)
from plugin_sdk.views import HeldView, Phrase, Words

if TYPE_CHECKING:
    from plugin_sdk.forms import Form
    from plugin_sdk.ports import Read, Work


class Element(msgspec.Struct, frozen=True):
    """A data element. `personal` is the kind (`[[data.personal]]`) of column that an app keeps
    it in, None for what is of no person; what is `sealed` is written into no page."""

    key: str
    personal: str | None = None
    sealed: bool = False

    @property
    def title(self) -> Phrase:
        """Return what it is called."""
        return Phrase(f"element.name.{self.key}")

    def plain(self, text: str) -> str:
        """Return a text as the hub keeps and compares it: 138 0013 8000 is +8613800138000."""
        normalize = _NORMALIZE.get(self.key)
        try:
            return normalize(text) if normalize else text.strip()
        except IdentifierError:
            return text.strip()


_NORMALIZE: Final[Mapping[str, Callable[[str], str]]] = {
    "person.phone": normalize_phone,
    "person.identity-number": normalize_identity_number,
    "enterprise.code": normalize_credit_code,
    "place.village-code": lambda text: text.strip().upper(),
}

ELEMENTS: Final[Mapping[str, Element]] = {
    element.key: element
    for element in (
        Element("person.name", "name"),  # 姓名
        Element("person.phone", "phone"),  # 联系电话
        Element("person.identity-number", "identity_number", sealed=True),  # 公民身份号码 GB 11643
        Element("person.address", "address"),  # 联系地址
        Element("unit.name"),  # 单位名称
        Element("unit.code"),  # 单位代码
        Element("enterprise.name"),  # 企业名称
        Element("enterprise.code"),  # 统一社会信用代码 GB 32100
        Element("place.region"),  # 所在区划, by its id in the directory
        Element("place.village-code"),  # 一村一码
    )
}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub holds under an element: `value` ('' for what is sealed), `shown` where it may
    not be seen whole, whence it is, since when where that is known, and where it is put right."""

    value: str
    source: Words
    since: datetime | None = None
    shown: str | None = None
    href: str | None = None

    @property
    def mark(self) -> HeldView:
        """Return the mark beside a field that was filled in."""
        return HeldView(source=self.source, since=self.since, shown=self.shown, href=self.href)


class Elements(Protocol):
    """What the hub holds of whoever acts, as far as the app's manifest asks for it."""

    async def held(self, read: "Read", elements: Iterable[str]) -> Mapping[str, Held]:
        """Return what is held under these elements; of a resident for whom an agent acts, what
        the account says and nothing that they typed elsewhere."""
        ...

    async def sealed(self, work: "Work", element: str) -> str | None:
        """Return what no page shows (an identity number), None where the hub has none; that it
        was taken is recorded. Raises `Denied` where the manifest does not ask for it."""
        ...

    async def take(self, work: "Work", form: "Form") -> None:
        """Count what a form that was sent asked for though the hub held it, and keep what was
        typed for the next form. Call it once, in the unit of work that takes the form."""
        ...
