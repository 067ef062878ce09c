"""What is weak about a deployment: one sentence for each, with what to do about it."""

import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from core.apps.migrations import pending, unwalled
from core.apps.registry import LoadedApp
from core.audit.sealing import waiting
from core.database import Database, DatabaseAway
from core.identity.people import demonstration_accounts
from core.identity.upstream import service as upstreams
from core.outside import Outside, OutsideError
from core.settings import LOOPBACK, Settings
from core.work.calendar import load_calendar

OTHERS = stat.S_IRWXG | stat.S_IRWXO
LONGEST_STEP_UP = 60  # minutes
NEXT_YEAR_FROM = 12  # by then the notice for the next year is published


class Weakness(msgspec.Struct, frozen=True):
    """Something that is weak: what, and its remedy."""

    what: str
    remedy: str


async def weaknesses(
    settings: Settings, apps: Sequence[LoadedApp], now: datetime
) -> list[Weakness]:
    """Return what is weak about a hub that is started with these settings."""
    found = [*_of_settings(settings), *_of_files(settings), *refusals(apps), *simulations(apps)]
    database = Database(settings.database_url)
    try:
        behind = await pending(database, apps)
        if behind:
            names = ", ".join(behind)
            found.append(Weakness(f"the tables of {names} are not up to date", "run yimen migrate"))
        else:
            found += await _of_database(database, now)
            found += await _of_upstreams(settings, database)
    except (DatabaseAway, SQLAlchemyError, OSError) as error:
        found.append(
            Weakness(
                f"the database does not answer ({type(error).__name__})",
                "start it, or correct YIMEN_DATABASE_URL",
            )
        )
    finally:
        await database.close()
    return found


def _of_settings(settings: Settings) -> Iterator[Weakness]:
    if settings.embedded:
        yield Weakness(
            "the database is SQLite: one worker, one machine, no row-level security",
            "set YIMEN_DATABASE_URL to a PostgreSQL database of the hub's own",
        )
    if not settings.https:
        yield Weakness(
            f"people reach the hub by plain http ({settings.public_url})",
            "put it behind a proxy with TLS and set YIMEN_PUBLIC_URL to the https address",
        )
    elif not settings.trusted_proxies:
        yield Weakness(
            "no proxy is trusted: every sign-in seems to come from the proxy, and is throttled so",
            "set YIMEN_TRUSTED_PROXIES to the addresses of the proxies before the hub",
        )
    if settings.host not in LOOPBACK and not settings.https:
        yield Weakness(
            f"the hub listens on {settings.host} without TLS",
            "set YIMEN_HOST=127.0.0.1 and let the proxy alone be reached",
        )
    if settings.redis_url is None:
        yield Weakness(
            "there is no Redis: one worker serves everybody, and its restart is an outage",
            "set YIMEN_REDIS_URL and YIMEN_WORKERS",
        )
    if settings.second_factor != "staff":
        whom = "everybody" if settings.second_factor == "off" else "who does nothing risky"
        yield Weakness(
            f"a password alone is enough for {whom}",
            "set YIMEN_SECOND_FACTOR=staff: who holds a post sets a second factor up first",
        )
    if settings.step_up_minutes > LONGEST_STEP_UP:
        yield Weakness(
            f"acts of high risk are done on a proof that may be {settings.step_up_minutes} "
            "minutes old",
            f"set YIMEN_STEP_UP_MINUTES to {LONGEST_STEP_UP} or less",
        )
    for name, url, secure in (
        ("database", settings.database_url, "ssl="),
        ("Redis", settings.redis_url, "rediss://"),
    ):
        if url is not None and _beyond_this_machine(url) and secure not in url:
            yield Weakness(
                f"what is said to the {name} crosses the network unencrypted",
                f"use an address with {secure}…, or a network of its own",
            )
    yield Weakness(
        "short messages are simulated: no code and no notice reaches a phone",
        "connect the county's SMS gateway as a provider of core/delivery",
    )


def _beyond_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname
    return bool(host) and host not in LOOPBACK


def _of_files(settings: Settings) -> Iterator[Weakness]:
    secrets = [settings.home / "secret.key", settings.checkpoint_key]
    for path in (settings.home, *secrets):
        if path.exists() and path.stat().st_mode & OTHERS:
            yield Weakness(
                f"others on this machine may read {path.name}",
                f"chmod {'700' if path.is_dir() else '600'} {_shown(settings, path)}",
            )
    if settings.audit_checkpoints is None:
        yield Weakness(
            "the signed checkpoints of the record stand on the hub's own disk alone",
            "set YIMEN_AUDIT_CHECKPOINTS to another disk, or copy the file away every day",
        )


def _shown(settings: Settings, path: Path) -> str:
    inside = path.is_relative_to(settings.home)
    return f"$YIMEN_HOME/{path.relative_to(settings.home)}" if inside else str(path)


def refusals(apps: Sequence[LoadedApp]) -> list[Weakness]:
    """Return the apps that are refused, and why."""
    remedy = "correct it (yimen app check names the faults), or remove its package"
    return [
        Weakness(f"the app {app.id} is refused ({app.refusal})", remedy)
        for app in apps
        if app.refusal is not None
    ]


def simulations(apps: Sequence[LoadedApp]) -> list[Weakness]:
    """Return what apps were granted that is only played: tables of a grant's settings whose
    `provider` is `simulated`."""
    return [
        Weakness(
            f"{app.id} has simulated {name}: nothing of it is real outside the hub",
            f"name another provider under [settings.{name}] in manifests/{app.id}.toml",
        )
        for app in apps
        for name, granted in sorted(app.grant.settings.items() if app.grant else ())
        if isinstance(granted, dict) and granted.get("provider") == "simulated"
    ]


async def _of_upstreams(settings: Settings, database: Database) -> list[Weakness]:
    """Name the providers above that are reached by plain http, or within a network of one's own:
    whoever gets in there between says who signs in here."""
    async with database.transaction() as tx:
        every = await upstreams.every(tx, open_only=True)
    found = []
    outside = Outside(settings.outside_networks)
    try:
        for one in every:
            if urlsplit(one.issuer).scheme != "https":
                found.append(
                    Weakness(
                        f"the provider {one.key} is asked by plain http ({one.issuer})",
                        "have it serve https, and add it anew by that issuer",
                    )
                )
            try:
                private = await outside.is_private(one.issuer)
            except OutsideError as error:
                found.append(
                    Weakness(
                        f"the provider {one.key} cannot be found ({error.code})",
                        "see yimen upstream test, and shut what is no more",
                    )
                )
                continue
            if private:
                found.append(
                    Weakness(
                        f"the provider {one.key} has an address that is not public",
                        "see that it is meant, and that YIMEN_OUTSIDE_NETWORKS names no more "
                        "than it needs",
                    )
                )
    finally:
        outside.close()
    return found


async def _of_database(database: Database, now: datetime) -> list[Weakness]:
    found = []
    if await unwalled(database):
        found.append(
            Weakness(
                "the hub's role passes by row-level security (superuser or BYPASSRLS)",
                "give the hub a role of its own that owns its database and is neither",
            )
        )
    async with database.transaction() as tx:
        if await demonstration_accounts(tx):
            found.append(
                Weakness(
                    "the accounts of the demonstration are there, and their passwords are known",
                    "start from a database of the hub's own",
                )
            )
        years = (await load_calendar(tx)).known_years
        wanted = {now.year, now.year + (now.month >= NEXT_YEAR_FROM)}
        found += [
            Weakness(
                f"the holidays of {year} are not known: its deadlines wait (期限待定)",
                "enter the official notice under /admin/organizations",
            )
            for year in sorted(wanted - years)
        ]
        if (await waiting(tx)).lags(now):
            found.append(
                Weakness(
                    "the record is not being sealed",
                    "see that a hub runs; yimen audit verify says why sealing stopped",
                )
            )
    return found
