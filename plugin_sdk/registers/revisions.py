"""The tables of a register, for the revisions of apps (see `plugin_sdk.revisions`).

def upgrade() -> None:
    create_register("village_lease", column("rent", sa.BigInteger()))
"""

from typing import Any

import sqlalchemy as sa

from plugin_sdk.revisions import column, create_owned, drop, signed, text, time


def create_register(name: str, *columns: "sa.Column[Any]") -> None:
    """Create `name` with the app's `columns`, and its `_version`."""
    create_owned(
        name,
        [
            column("version", sa.Integer()),
            text("key", 90),
            text("code", 40),
            text("name", 200),
            column("starts_on", sa.Date()),
            column("ends_on", sa.Date(), null=True),
            time("changed_at"),
            *columns,
        ],
        unique=("key",),
        index=("ends_on", "changed_at"),
    )
    create_owned(
        f"{name}_version",
        [
            *signed(),
            column("record_id", sa.Uuid()),
            column("version", sa.Integer()),
            text("verb", 20),
            text("reason", 1000, null=True),
            column("data", sa.JSON()),
        ],
        index=("record_id",),
    )


def drop_register(name: str) -> None:
    """Take the tables of a register back."""
    drop(f"{name}_version", name)
