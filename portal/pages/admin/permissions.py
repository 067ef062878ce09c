"""The permissions there are, in words: the shell's and every app's."""

from core.access import grants
from core.audit import SHELL
from plugin_sdk.text import Text
from plugin_sdk.views import Option, Phrase
from portal.pages.context import Portal


def permission_options(portal: Portal) -> list[Option]:
    """Return every permission as a choice, by app."""
    found: dict[str, Option] = {}
    for role in grants.shell_roles():
        for key in role.permissions:
            short = key.removeprefix(f"{SHELL}.")
            found[key] = Option(key, Phrase(f"page.permission.{short}"), group="Yimen")
    for name in portal.apps.instances:
        manifest = portal.apps.manifest(name)
        for item in manifest.permissions if manifest else ():
            label = Phrase("text", {"text": item.title})
            found[f"{name}.{item.key}"] = Option(f"{name}.{item.key}", label, group=name)
    return list(found.values())


def permission_title(portal: Portal, permission: str) -> Text | None:
    """Return what a permission lets one do, None if there is no such permission."""
    app, _, key = permission.partition(".")
    manifest = portal.apps.manifest(app)
    if manifest is not None:
        for item in manifest.permissions:
            if item.key == key:
                return item.title
    words, title = portal.renderer.catalogue, f"page.permission.{key}"
    if app == SHELL and title in words:
        return Text(words.text("zh-CN", title), words.text("en", title))
    return None
