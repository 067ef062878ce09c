"""The contract between an app and the hub, and the kits; the only thing an app imports.

`SDK_VERSION` follows semantic versioning of its own: a hook may gain arguments, it never
loses one without a deprecation of two minor versions.
"""

import pluggy

SDK_VERSION = "0.2.0"
PROJECT = "yimen"

hookimpl = pluggy.HookimplMarker(PROJECT)
hookspec = pluggy.HookspecMarker(PROJECT)

__all__ = ["PROJECT", "SDK_VERSION", "hookimpl", "hookspec"]
