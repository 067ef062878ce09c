"""The kit of public pages by code (一村一码): a printed code opens a page without sign-in."""

from plugin_sdk.codes.entry import entry_route
from plugin_sdk.codes.models import PublicCode
from plugin_sdk.codes.registry import CodeBook
from plugin_sdk.codes.routes import code_routes
from plugin_sdk.codes.sheet import Sheet, sheet_pdf
from plugin_sdk.codes.views import PublicItem, PublicPage, PublicSection

__all__ = [
    "CodeBook",
    "PublicCode",
    "PublicItem",
    "PublicPage",
    "PublicSection",
    "Sheet",
    "code_routes",
    "entry_route",
    "sheet_pdf",
]
