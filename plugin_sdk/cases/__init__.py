"""The case kit: one kit for every procedure (办件). See `flow`, `models`, `engine`, `desk`."""

from plugin_sdk.cases.engine import CaseEngine

__all__ = ["CaseEngine"]
