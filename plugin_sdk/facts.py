"""What was entered into a form, as facts that a page shows: labels, and values in words."""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

from plugin_sdk.forms import Form, field_views
from plugin_sdk.views import FactView, FieldView, Money, Option, Phrase, Words


def facts_of(
    form: type[Form],
    prefix: str,
    values: Mapping[str, Any],
    options: Mapping[str, list[Option]] | None = None,
) -> list[FactView]:
    """Return a fact for each field of a form that is filled in; amounts are in fen."""
    shown = field_views(form, prefix, values=values, options=options)
    return [
        FactView(field.label, _said(field))
        for field in shown
        if field.kind not in ("hidden", "photo") and field.value not in (None, "")
    ]


def _said(field: FieldView) -> Words | date | Money:
    value = field.value.value if isinstance(field.value, Enum) else field.value
    if field.kind == "money":
        return Money(int(value))
    if field.kind == "checkbox":
        return Phrase("case.check.yes" if value else "case.check.no")
    if field.options:
        chosen = (option.label for option in field.options if option.value == str(value))
        return next(chosen, str(value))
    if field.kind == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    return value if isinstance(value, date) else str(value)
