"""The table of public codes, for the revisions of apps (see `plugin_sdk.revisions`)."""

import sqlalchemy as sa

from plugin_sdk.revisions import column, create, text, time


def create_codes(name: str) -> None:
    """Create the table of codes."""
    columns = [
        column("id", sa.Uuid()),
        column("organization_id", sa.Uuid()),
        text("code", 12),
        time("made_at"),
    ]
    create(name, columns, unique=("code", "organization_id"))
