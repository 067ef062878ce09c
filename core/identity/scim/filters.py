"""Filters (RFC 7644, section 3.4.2.2) as conditions of SQL: bounded, on what is kept alone."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from scim2_models import (
    InvalidFilterException,
    InvalidValueException,
    Resource,
    SCIMException,
    ScimFilter,
)
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

LONGEST: Final = 2000
LONGEST_EXTERNAL: Final = 200
DEEPEST: Final = 20
MOST_TERMS: Final = 50

Op = CompareOperator
Test = Callable[[CompareOperator | None, Any], ColumnElement[bool]]
"""What an attribute means in SQL: an operator and a value become a condition; no operator asks
whether there is one."""


def text(column: Any, *, exact: bool = False) -> Test:
    """Return the test of a column of text, by default whatever the case."""
    compared = column if exact else func.lower(column)

    def test(op: CompareOperator | None, value: Any) -> ColumnElement[bool]:
        if op is None:
            return and_(column.is_not(None), column != "")
        if value is None and op in (Op.eq, Op.ne):
            absent: ColumnElement[bool] = column.is_(None)
            return absent if op is Op.eq else not_(absent)
        if not isinstance(value, str):
            raise InvalidFilterException(detail="This attribute is compared with a text.")
        if not storable(value):
            raise InvalidFilterException(detail="A text has characters that can be printed alone.")
        wanted = value if exact else value.lower()
        if op is Op.ne:
            return or_(column.is_(None), compared != wanted)
        conditions: dict[CompareOperator, Any] = {
            Op.eq: lambda: compared == wanted,
            Op.co: lambda: compared.contains(wanted, autoescape=True),
            Op.sw: lambda: compared.startswith(wanted, autoescape=True),
            Op.ew: lambda: compared.endswith(wanted, autoescape=True),
            Op.gt: lambda: compared > wanted,
            Op.ge: lambda: compared >= wanted,
            Op.lt: lambda: compared < wanted,
            Op.le: lambda: compared <= wanted,
        }
        return and_(column.is_not(None), conditions[op]())

    return test


def yes_or_no(condition: ColumnElement[bool]) -> Test:
    """Return the test of a truth value that is always known."""

    def test(op: CompareOperator | None, value: Any) -> ColumnElement[bool]:
        if op is None:
            return true()
        if op not in (Op.eq, Op.ne) or not isinstance(value, bool):
            raise InvalidFilterException(detail="This attribute is compared by eq true or false.")
        return condition if value is (op is Op.eq) else not_(condition)

    return test


def one_of(member: Callable[[Any], ColumnElement[bool]], some: ColumnElement[bool]) -> Test:
    """Return the test of ids: `member` is the condition for one of them, `some` for any."""

    def test(op: CompareOperator | None, value: Any) -> ColumnElement[bool]:
        if op is None:
            return some
        if op not in (Op.eq, Op.ne):
            raise InvalidFilterException(detail="Ids are compared by eq and ne.")
        found = member(value)
        return found if op is Op.eq else not_(found)

    return test


class Conditions(FilterVisitor[ColumnElement[bool]]):
    """Makes the condition of a filter. `tests` says what each attribute means, in lower case."""

    def __init__(self, tests: Mapping[str, Test], *, lenient: bool) -> None:
        self._tests = tests
        self._lenient = lenient
        self._terms = 0
        self._prefix = ""

    def _test(
        self, path: AttrPath, op: CompareOperator | None, value: Any = None
    ) -> ColumnElement[bool]:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise InvalidFilterException(detail=f"A filter compares at most {MOST_TERMS} times.")
        name = f"{self._prefix}{path.attr}" + (f".{path.sub_attr}" if path.sub_attr else "")
        test = self._tests.get(name.lower())
        if test is not None:
            return test(op, value)
        if self._lenient:  # RFC 7644, section 3.4.2.1: of no attribute there, it is false
            return false()
        raise InvalidFilterException(detail=f"There is no filter on {name[:100]}.")

    def visit_comparison(self, node: Comparison) -> ColumnElement[bool]:
        """Return the condition of a comparison."""
        return self._test(node.attr_path, node.op, node.value)

    def visit_present(self, node: Present) -> ColumnElement[bool]:
        """Return the condition that there is a value."""
        return self._test(node.attr_path, None)

    def visit_not(self, node: Not) -> ColumnElement[bool]:
        """Return the contrary."""
        return not_(self.visit(node.expr))

    def visit_logical_expr(self, node: LogicalExpr) -> ColumnElement[bool]:
        """Return all or any of the terms."""
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op is LogicalOperator.and_ else or_(*terms)

    def visit_value_path(self, node: ValuePath) -> ColumnElement[bool]:
        """Return the condition on one of several values."""
        before, self._prefix = self._prefix, f"{node.attr_path.attr}."
        try:
            return self.visit(node.val_filter)
        finally:
            self._prefix = before


def storable(text: str) -> bool:
    """Return whether a text can be kept and printed: no NUL, no half of a surrogate pair."""
    return text.isprintable()


def check_external(id: str | None) -> None:
    """Raise `InvalidValueException` for an id of an application's own that is not kept."""
    if id is not None and (len(id) > LONGEST_EXTERNAL or not storable(id)):
        raise InvalidValueException(
            detail=f"externalId has at most {LONGEST_EXTERNAL} characters that can be printed."
        )


def check_length(filter: str) -> None:
    """Raise `InvalidFilterException` for what is too long or too deep to be read."""
    depth = deepest = 0
    for character in filter:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    if len(filter) > LONGEST or deepest > DEEPEST:
        raise InvalidFilterException(
            detail=f"A filter has at most {LONGEST} characters, nested {DEEPEST} deep."
        )


def condition(
    filter: str, model: type[Resource[Any]], tests: Mapping[str, Test], *, lenient: bool = False
) -> ColumnElement[bool]:
    """Return the condition of a filter on a model. Raises `InvalidFilterException`; `lenient`: an
    attribute that the model has not is not there, and no error."""
    check_length(filter)
    try:
        parsed = ScimFilter[Any](filter) if lenient else ScimFilter[model](filter)  # type: ignore[valid-type]
        return Conditions(tests, lenient=lenient).visit(parsed.ast)
    except SCIMException:
        raise
    except (ValueError, RecursionError, TypeError) as error:
        raise InvalidFilterException(detail="The filter cannot be read.") from error
