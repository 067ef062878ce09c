"""What was done, in words: one place for the record and for those whom it was done for."""

from plugin_sdk.views import Phrase, Words
from portal.pages.context import Portal


def act_words(portal: Portal, app: str, act: str) -> Words:
    """Return the words of a recorded act: the shell's, the flow's own, the kit's; else as it
    stands."""
    flow, _, verb = act.rpartition(".")
    keys = (f"page.admin.record.act.{act}", f"{app}.{flow}.said.{verb}", f"case.said.{verb}")
    return next((Phrase(key) for key in keys if key in portal.renderer.catalogue), act)
