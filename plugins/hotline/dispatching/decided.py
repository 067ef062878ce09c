"""Decisions of coordinations that become rules for the next time."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from plugin_sdk.forms import validate
from plugin_sdk.ports import Work
from plugin_sdk.problems import Invalid, NotFound
from plugins.hotline.coordination.models import Coordination
from plugins.hotline.desk import OrderDesk
from plugins.hotline.dispatching.forms import ResponsibilityForm
from plugins.hotline.dispatching.rules import RuleDesk


class Decided:
    """What follows from a decision that stands."""

    def __init__(self, orders: OrderDesk) -> None:
        self.rules = RuleDesk(orders)

    async def heard(self, work: Work, event: Mapping[str, Any]) -> None:
        """Enter the rule that a decision proposes, once its order is answered and what was objected
        is ruled. A rule that stands already, or whose unit takes no orders now, is left out."""
        try:
            row = await work.get(Coordination, UUID(str(event["id"])))
        except NotFound:
            return
        if row.rule_unit is None:
            return
        said = {
            "name": _name(row),
            "unit": str(row.rule_unit),
            "basis": row.legal_basis or row.decision or row.number,
            "source": row.number,
            "category": row.category_code,
            "region": str(row.region_id) if row.region_id else None,
        }
        try:
            form = validate(ResponsibilityForm, said)
            await self.rules.refuse_unoffered(work, form)
            await self.rules.engine.add(work, form, organization_id=row.origin_organization_id)
        except Invalid:
            return


def _name(row: Coordination) -> str:
    """Return how a rule is named: never by the words of whoever asked."""
    category = (row.category_code or "").rpartition("/")[2]
    return f"{category} {row.number}".strip()
