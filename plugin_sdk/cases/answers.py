"""What was typed into a form, as words: a person reads it once more before it is sent."""

from collections.abc import Iterable

from plugin_sdk.views import AnswerView, FieldView, Phrase, Words


def answers(fields: Iterable[FieldView]) -> list[AnswerView]:
    """Return one row for each field that people fill in; None where nothing was.

    A position, which the device fills in, is one row, and only where there is one.
    """
    shown = list(fields)
    values = {field.name: field.value for field in shown}
    found = []
    for field in shown:
        if field.name == "longitude" and field.value:
            place = {"east": str(field.value), "north": str(values.get("latitude", ""))}
            label: Words = Phrase("case.check.position")
            found.append(
                AnswerView(field.name, "f-position", label, Phrase("case.check.at", place))
            )
        if field.kind == "hidden":
            continue
        first = "-0" if field.kind == "radio" else ""
        found.append(AnswerView(field.name, f"f-{field.name}{first}", field.label, _said(field)))
    return found


def _said(field: FieldView) -> Words | None:
    value = getattr(field.value, "value", field.value)
    if field.kind == "checkbox":
        return Phrase("case.check.yes" if value else "case.check.no")
    if field.kind in ("select", "radio"):
        return next((o.label for o in field.options if o.value == str(value)), None)
    return str(value) if value else None
