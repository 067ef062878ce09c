"""Apps made for measuring: any number of them, five trivial routes each."""

from importlib.metadata import EntryPoint
from pathlib import Path

GROUP = "yimen.apps"

MANIFEST = """\
audience = ["resident", "staff"]

[identity]
id = "{id}"
package = "{package}"
names = {{ zh = "测速应用", en = "Bench app" }}
summary = {{ zh = "测速用。", en = "For measuring." }}
version = "1.0.0"
sdk = ">=0.1"
category = "other"

[owner]
organization = "371603"
contact = {{ name = "测速", phone = "12345" }}
stewards = ["steward-1", "steward-2"]

[filing]
number = "BA-{id}"
legal_basis = "测速"
features = [{{ key = "measuring" }}]
sign_in_of_the_day = {{ present = false }}

[porting]
level = "native"
replaces = {{ name = {{ zh = "旧应用", en = "Old app" }} }}

[[porting.functions]]
name = {{ zh = "问好", en = "Say hello" }}
old = "menu/hello"
route = "GET /hello"

[[permissions]]
key = "hello.read"
title = {{ zh = "问好", en = "Say hello" }}
risk = "low"
audience = ["resident", "staff"]
default_roles = ["user"]

[[roles]]
key = "user"
title = {{ zh = "使用者", en = "User" }}
audience = "resident"

[[navigation]]
key = "hello"
title = {{ zh = "问好", en = "Hello" }}
path = "/hello"
permission = "hello.read"

[data]
table_prefix = "{package}_"
classification = "general"
retention_months = 12

[usage]
effects = []
cadence = "yearly"
entitled = "all_residents"

[lifecycle]
stage = "trial"
since = 2026-01-05

[quality]
tier = "bronze"
"""

GRANT = """\
id = "{id}"
version = ">=1.0,<2"
permissions = "*"
audience = ["resident", "staff"]
enabled_at_start = true
"""

CODE = '''\
"""An app made for measuring."""

from litestar import get, post

from plugin_sdk import hookimpl
from plugin_sdk.routes import needs


@get("/hello", opt=needs("hello.read"))
async def hello() -> dict[str, str]:
    """Say hello."""
    return {"hello": "world"}


@get("/things/{number:str}", opt=needs("hello.read"))
async def thing(number: str) -> dict[str, str]:
    """Show a thing."""
    return {"number": number}


@get("/things", opt=needs("hello.read"))
async def things(q: str = "") -> dict[str, str]:
    """List things."""
    return {"q": q}


@post("/things", opt=needs("hello.read"))
async def make() -> dict[str, str]:
    """Make a thing."""
    return {}


@get("/things/{number:str}/history", opt=needs("hello.read"))
async def history(number: str) -> dict[str, str]:
    """Show what became of a thing."""
    return {"number": number}


HANDLERS = [hello, thing, things, make, history]


@hookimpl
def register_routes(hub):
    """Return the routes."""
    return HANDLERS
'''


def app_id(number: int) -> str:
    """Return the name of one of the apps."""
    return f"bench-{number:03}"


def package(number: int) -> str:
    """Return the package of one of the apps."""
    return f"bench_{number:03}"


def address(number: int) -> str:
    """Return the address of the trivial handler of one of the apps."""
    return f"/apps/{app_id(number)}/hello"


def write(folder: Path, grants: Path, count: int) -> None:
    """Write the packages of `count` apps, and what each was granted."""
    grants.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        names = {"id": app_id(number), "package": package(number)}
        place = folder / package(number)
        place.mkdir(parents=True, exist_ok=True)
        (place / "__init__.py").write_text(CODE, encoding="utf-8")
        (place / "manifest.toml").write_text(MANIFEST.format(**names), encoding="utf-8")
        (grants / f"{app_id(number)}.toml").write_text(GRANT.format(**names), encoding="utf-8")


def points(count: int) -> list[EntryPoint]:
    """Return the entry points of the first `count` apps."""
    return [EntryPoint(app_id(number), package(number), GROUP) for number in range(count)]
