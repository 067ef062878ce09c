"""The limits of a policy as a form: each one a field with its bounds, and what another value for
it would make of the policy."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

from core.governance.policy import Policy
from core.governance.policy_check import contradictions
from plugin_sdk.problems import FieldError
from plugin_sdk.views import FieldView, Phrase
from portal import formats

GROUPS: Final = ("fairness", "rules")
MOST_CHARACTERS: Final = 20


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the policy: where it stands, and within which bounds. A share is written as so
    many in a hundred."""

    name: str
    least: float | None
    most: float | None
    whole: bool

    @property
    def path(self) -> tuple[str, ...]:
        """Return where it stands."""
        return tuple(self.name.split("."))

    @property
    def share(self) -> bool:
        """Return whether it is a share of something."""
        return not self.whole and self.most == 1

    @property
    def label(self) -> Phrase:
        """Return what it is called."""
        return Phrase(f"policy.limit.{self.name}")

    def of(self, data: Mapping[str, Any]) -> float:
        """Return its value in a policy."""
        found: Any = data
        for key in self.path:
            found = found[key]
        number: float = found
        return number

    def written(self, value: float) -> str:
        """Return a value as the form has it."""
        return formats.number(round(value * 100, 4) if self.share else value).replace(",", "")

    def shown(self, value: float) -> Phrase:
        """Return a value in words."""
        key = "policy.percent" if self.share else "policy.number"
        return Phrase(key, {"n": self.written(value)})

    def read(self, text: str) -> float:
        """Return the value that was typed. Raises `ValueError` for what is no number within the
        bounds."""
        typed = text.strip().removesuffix("%").removesuffix("％").strip()
        if not typed or len(typed) > MOST_CHARACTERS:
            raise ValueError(text)
        value: float = int(typed) if self.whole else float(typed)
        if self.share:
            value = round(value / 100, 6)
        if not (self.least or 0) <= value <= (self.most if self.most is not None else 1e9):
            raise ValueError(text)
        return value


@cache
def limits() -> tuple[Limit, ...]:
    """Return every number that decides about a finding, in the order of the schema."""
    text = resources.files("core.governance").joinpath("policy.schema.json").read_text("utf-8")
    properties = json.loads(text)["properties"]
    return tuple(limit for group in GROUPS for limit in _numbers(properties[group], (group,)))


def _numbers(schema: Mapping[str, Any], path: tuple[str, ...]) -> list[Limit]:
    if schema.get("type") in ("integer", "number"):
        return [
            Limit(
                name=".".join(path),
                least=schema.get("minimum"),
                most=schema.get("maximum"),
                whole=schema["type"] == "integer",
            )
        ]
    return [
        limit
        for name, below in schema.get("properties", {}).items()
        for limit in _numbers(below, (*path, name))
    ]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with other limits: `policy` is None where something is wrong with them."""

    policy: Policy | None
    changed: tuple[tuple[Limit, float, float], ...]
    errors: tuple[FieldError, ...]


def tried(present: Policy, typed: Mapping[str, str]) -> Tried:
    """Return the policy that typed limits make of the present one; what is not typed stays."""
    data = msgspec.to_builtins(present)
    changed, errors = [], []
    for limit in limits():
        if not typed.get(limit.name, "").strip():
            continue
        before = limit.of(data)
        try:
            value = limit.read(typed[limit.name])
        except ValueError:
            errors.append(FieldError(limit.name, _bounds(limit)))
            continue
        if value != before:
            changed.append((limit, before, value))
            _put(data, limit.path, value)
    if not errors:
        known = {limit.name for limit in limits()}
        for path, problem, remedy in contradictions(data):
            name = ".".join(str(key) for key in path)
            # what no field of the form is stands at the first that was changed
            errors.append(
                FieldError(
                    name if name in known or not changed else changed[0][0].name,
                    Phrase("policy.wrong.fault", {"problem": problem, "remedy": remedy}),
                )
            )
    policy = None if errors else msgspec.convert(data, Policy)
    return Tried(policy=policy, changed=tuple(changed), errors=tuple(errors))


def fields(
    present: Policy, typed: Mapping[str, str], errors: tuple[FieldError, ...]
) -> dict[str, list[FieldView]]:
    """Return the form by rule, with what was typed and what is wrong with it."""
    data = msgspec.to_builtins(present)
    wrong = {error.field: error.message for error in errors}
    groups: dict[str, list[FieldView]] = {}
    for limit in limits():
        group = limit.path[1] if limit.path[0] == "rules" else limit.path[0]
        groups.setdefault(group, []).append(
            FieldView(
                name=limit.name,
                kind="number",
                label=limit.label,
                hint=Phrase("policy.now", {"value": limit.shown(limit.of(data))}),
                value=typed.get(limit.name, "") or limit.written(limit.of(data)),
                max_length=MOST_CHARACTERS,
                required=True,
                error=wrong.get(limit.name),
            )
        )
    return groups


def _bounds(limit: Limit) -> Phrase:
    least = limit.written(limit.least or 0)
    if limit.most is None:
        return Phrase("policy.wrong.least", {"least": least})
    return Phrase("policy.wrong.between", {"least": least, "most": limit.written(limit.most)})


def _put(data: dict[str, Any], path: tuple[str, ...], value: float) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value
