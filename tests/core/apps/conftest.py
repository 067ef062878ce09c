"""Hubs with the fixture apps: one that is well made, and many that are not."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.access.grants import define_roles, grant, shell_roles
from core.apps.migrations import migrate
from core.apps.registry import installed, load_apps
from core.apps.supervisor import roles_of
from core.database import Database
from core.identity.models import Person, Post
from plugin_sdk.ports import ScopeKind
from portal.demo import cast, county
from portal.testing.apps import GRANTS, bad_apps, good_app
from portal.testing.apps.good import LIFE
from portal.testing.hub import PASSWORD, ROOT, quick


async def fill_with_good(url: str) -> None:
    """Migrate the shell, the installed apps and the good one; load a county and its cast."""
    database = Database(url)
    try:
        apps = [
            *load_apps(installed(), ROOT / "manifests"),
            *load_apps([good_app()], GRANTS),
        ]
        await migrate(database, apps)
        known = {role.key for role in shell_roles()}
        async with database.transaction(write=True) as tx:
            await county.build(tx, county.directory(villages=False))
            await define_roles(tx, "yimen", shell_roles())
            for app in apps:
                if app.manifest is not None:
                    roles = roles_of(app.manifest)
                    known |= {role.key for role in roles}
                    await define_roles(tx, app.id, roles)
            for member in cast.CAST:  # an installed app that is broken is not looked at here
                grants = tuple((role, scope) for role, scope in member.grants if role in known)
                reduced = msgspec.structs.replace(member, grants=grants)
                await county.enlist(tx, reduced, quick(PASSWORD))
    finally:
        await database.close()


@pytest.fixture(scope="session")
def prepare_template() -> Callable[[str], Awaitable[None]]:
    """Fill the database with a county, its cast, and the tables of the good app."""
    return fill_with_good


@pytest.fixture
def life():
    """What the good app noted in this process, emptied before and after a test."""
    for noted in LIFE.values():
        noted.clear()
    yield LIFE
    for noted in LIFE.values():
        noted.clear()


@pytest.fixture
async def hub(make_hub, life):
    """A hub with the good app alone beside the installed ones."""
    return await make_hub(points=[good_app()], grants=GRANTS)


@pytest.fixture
async def full_hub(make_hub, life):
    """A hub with the good app and every bad one."""
    return await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)


@pytest.fixture
def give():
    """Give someone of the cast a role: `await give(hub, "unit", "good.keeper")`."""

    async def give(hub, username: str, role: str, scope: ScopeKind = ScopeKind.ALL) -> UUID:
        async with hub.services.database.transaction(write=True) as tx:
            post = await tx.session.execute(
                select(col(Post.id))
                .join(Person, col(Person.id) == col(Post.person_id))
                .where(col(Person.username) == username)
            )
            return await grant(tx, post.scalar_one(), role, scope, granted_by=None)

    return give


@pytest.fixture
def count():
    """Count the rows of a table of the good app: `await count(hub, Item)`."""

    async def count(hub, model) -> int:
        async with hub.services.database.migration(write=False) as connection:  # it sees all rows
            found = await connection.execute(select(func.count()).select_from(model))
            return found.scalar_one()

    return count
