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
  id, organization_id, provider_id, direction, phone, line, started_at, answered_at, ended_at,
  outcome, settled, note, order_id)
SELECT gen_random_uuid(), origin_organization_id, 'bench-' || number, 'in', caller_phone, line,
  at, at + interval '9 seconds', at + interval '200 seconds',
  CASE WHEN became THEN 'order' ELSE 'answered' END, true, '', CASE WHEN became THEN id END
FROM (
  SELECT *, opened_at - interval '5 minutes' AS at, right(number, 1) IN ('0', '3', '7') AS became
  FROM hotline_order
) orders
"""
NOW = """
INSERT INTO hotline_call (
  id, organization_id, provider_id, direction, phone, started_at, answered_at,
  operator_person_id, settled, note)
SELECT gen_random_uuid(), origin_organization_id, 'bench-now', 'in', caller_phone,
  now(), now(), person.id, false, ''
FROM hotline_order CROSS JOIN identity_person person
WHERE person.username = $1 ORDER BY opened_at DESC LIMIT 1
"""
RATED = """
INSERT INTO hotline_rating (
  id, organization_id, centre_id, order_id, round, stars, source, rated_at)
SELECT gen_random_uuid(), organization_id, origin_organization_id, id, 0, rating, 'phone', rated_at
FROM hotline_order WHERE rating IS NOT NULL
"""
COUNTED = """
INSERT INTO hotline_count (
  kind, span, since, organization_id, centre_id, value, entry_id, n)
SELECT kind, span, since, unit, centre, value, nobody, count(*)
FROM (
  SELECT kind, unit, coalesce(centre, nobody) AS centre, value, nobody,
    (at AT TIME ZONE 'Asia/Shanghai')::date AS day
  FROM (
    SELECT 'call' AS kind, organization_id AS unit, NULL::uuid AS centre,
      coalesce(line, '') AS value, started_at AS at FROM hotline_call
    UNION ALL
    SELECT 'rating', organization_id, centre_id, stars::text, rated_at FROM hotline_rating
  ) happened CROSS JOIN (VALUES ('00000000-0000-0000-0000-000000000000'::uuid)) none (nobody)
) happened CROSS JOIN LATERAL (
  VALUES ('day', day), ('month', date_trunc('month', day)::date), ('ten', (date_trunc('month', day)
    + interval '10 days' * least((extract(day FROM day)::int - 1) / 10, 2))::date)
) spans (span, since)
GROUP BY kind, unit, centre, value, nobody, span, since
"""
"""The cells that the job makes of what is counted of each call and rating as it comes in."""


async def fill(raw: Any, patience: float) -> None:
    """Write a call for each order, the one that is at the operator's desk, the ratings of orders,
    and what these count."""
    await raw.fetch(CALLS, timeout=patience)
    await raw.fetch(NOW, OPERATOR, timeout=patience)
    await raw.fetch(RATED, timeout=patience)
    await raw.fetch(COUNTED, timeout=patience)
