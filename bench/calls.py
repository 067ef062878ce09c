"""A million records of calls beside the orders: their list, and who called before.

A call was before each order, and three in ten became it. Each number called five times and has
five orders, whatever their number; one calls now, and is at the operator's desk.
"""

from typing import Any

OPERATOR = "operator"
PAGES = {
    "call list": "/apps/hotline/calls",
    "caller's history": "/apps/hotline/desk",
    "use of lines": "/apps/hotline/lines/figures",
}
"""Pages of the operator."""
CALLS = """
INSERT INTO hotline_call (
  id, organization_id, provider_id, direction, phone, line, month, started_at, answered_at,
  ended_at, outcome, settled, note, order_id)
SELECT gen_random_uuid(), origin_organization_id, 'bench-' || number, 'in', caller_phone, line,
  to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), at, at + interval '9 seconds',
  at + interval '200 seconds', CASE WHEN became THEN 'order' ELSE 'answered' END, true, '',
  CASE WHEN became THEN id END
FROM (
  SELECT *, opened_at - interval '5 minutes' AS at, right(number, 1) IN ('0', '3', '7') AS became
  FROM hotline_order
) orders
"""
NOW = """
INSERT INTO hotline_call (
  id, organization_id, provider_id, direction, phone, month, started_at, answered_at,
  operator_person_id, settled, note)
SELECT gen_random_uuid(), origin_organization_id, 'bench-now', 'in', caller_phone,
  to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), now(), now(), person.id, false, ''
FROM hotline_order CROSS JOIN identity_person person
WHERE person.username = $1 ORDER BY opened_at DESC LIMIT 1
"""


async def fill(raw: Any, patience: float) -> None:
    """Write a call for each order, and the one that is at the operator's desk."""
    await raw.fetch(CALLS, timeout=patience)
    await raw.fetch(NOW, OPERATOR, timeout=patience)
