"""What the pages that send codes to a phone share: reading the number, and how often one may."""

from typing import Final

from plugin_sdk.identifiers import IdentifierError, normalize_phone
from plugin_sdk.problems import Invalid, Problem, field_error
from portal.pages.context import AnyRequest, Portal

WINDOW: Final = 3600
PAUSE: Final = 60
PER_PHONE: Final = 5
PER_NETWORK: Final = 20
LANDLINES: Final = ("phone-short", "phone-area-code")  # what to mend in one: no help here


def mobile(text: str) -> str:
    """Return a mobile number in E.164. Raises `Invalid`: a landline receives no SMS."""
    try:
        phone = normalize_phone(text)
    except IdentifierError as error:
        code = "phone-mobile" if error.code in LANDLINES else error.code
        raise Invalid(field_error("phone", code)) from None
    if not phone.startswith("+861"):
        raise Invalid(field_error("phone", "phone-mobile"))
    return phone


async def bound_codes(
    portal: Portal,
    request: AnyRequest,
    what: str,
    phone: str,
    *,
    account: str | None = None,
    pause: bool = True,
) -> None:
    """Count a code that is asked for: by network, and by phone with the account it is for,
    whether or not anybody has them. Who names another phone, or another account, is sent
    nothing, and keeps nobody from asking. Raises `Problem` (429), and with `pause` `Invalid`
    within a minute of the last."""
    hit = portal.services.shared.hit
    whose = f"{phone}|{account}"
    if await hit(f"{what}:address:{portal.network(request)}", WINDOW) > PER_NETWORK:
        raise _too_many()
    if pause and await hit(f"{what}:pause:{whose}", PAUSE) > 1:
        raise Invalid(field_error("phone", "code-too-soon"))
    if await hit(f"{what}:phone:{whose}", WINDOW) > PER_PHONE:
        raise _too_many()


def _too_many() -> Problem:
    return Problem("too-many", status=429, headers={"Retry-After": str(WINDOW)})
