"""What an order says of the enterprise whose matter it is."""

from sqlmodel import col

from plugin_sdk.ports import Read
from plugin_sdk.views import FactView, Phrase
from plugins.hotline.enterprises.models import Enterprise
from plugins.hotline.models import Order


async def enterprise_facts(read: Read, row: Order) -> list[FactView]:
    """Return name and code of an enterprise for who may read the order; nothing without one, or
    where who asks is kept secret."""
    id = row.enterprise_id
    if id is None or row.secret:
        return []
    statement = read.rows(
        Enterprise, col(Enterprise.name), col(Enterprise.code), permission="order.read"
    ).where(col(Enterprise.id) == id)
    found = (await read.session.execute(statement)).first()
    if found is None:
        return []
    name, code = found
    said = Phrase("hotline.enterprise.named", {"name": name, "code": code})
    return [FactView(Phrase("hotline.order.field.enterprise"), said)]
