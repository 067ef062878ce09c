"""The table of a source's last known state, for the revisions of apps (see
`plugin_sdk.revisions`)."""

import sqlalchemy as sa

from plugin_sdk.revisions import column, create, text, time


def create_source(name: str) -> None:
    """Create the table of last known states."""
    columns = [
        column("id", sa.Uuid()),
        text("ref", 120),
        text("owner", 64),
        column("data", sa.JSON(), null=True),
        time("seen_at"),
    ]
    create(name, columns, unique=("ref",), index=("owner",))
