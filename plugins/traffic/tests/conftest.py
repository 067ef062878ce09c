from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from core.identity.register import set_number
from plugins.traffic.demonstration import NUMBERS
from plugins.traffic.desk import Desk, desk_of
from plugins.traffic.simulated import Simulated
from plugins.traffic.tests.crash import Crash
from portal.testing.hub import ROOT

HERE = "/apps/traffic"
MORNING = datetime.fromisoformat("2026-09-01T09:00+08:00")
CAR, LICENCE = "鲁M8D136", "371600123456"
RED_LIGHT, PARKED = "3716030000010001", "3716030000010002"


class Town:
    """Residents and officers at work on one hub, with the simulated source at hand."""

    def __init__(self, hub: Any, source: Simulated) -> None:
        self.hub = hub
        self.source = source
        self._clients: dict[str, Any] = {}

    @property
    def desk(self) -> Desk:
        return desk_of(self.hub.hub.apps.hubs["traffic"])

    async def client(self, role: str) -> Any:
        if role not in self._clients:
            self._clients[role] = await self.hub.client_as(role)
        return self._clients[role]

    async def get(self, path: str, by: str | None = "resident", status: int = 200) -> Any:
        client = self.hub.client() if by is None else await self.client(by)
        answer = await client.get(f"{HERE}{path}")
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer

    async def post(self, path: str, by: str = "resident", status: int = 200, **form: Any) -> Any:
        answer = await (await self.client(by)).post(f"{HERE}{path}", json=form)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def act(self, number: str, verb: str, by: str, status: int = 200, **form: Any) -> Any:
        seen = await self.get(f"/objections/{number}", by)
        form["version"] = seen["version"]
        return await self.post(f"/objections/{number}/{verb}", by, status, **form)

    async def prove(self, role: str, number: str = "") -> None:
        """Let staff have compared somebody's number with their card."""
        cast, services = await self.hub.actors(), self.hub.services
        async with services.database.transaction(write=True) as tx:
            person = cast[role].person_id
            await set_number(tx, services.numbers, person, number or NUMBERS[role], seen=True)

    async def bind(self, role: str = "resident") -> None:
        """Bind the resident's car and licence."""
        await self.prove(role)
        await self.post("/vehicles", role, 201, plate=CAR, vin_tail="012345")
        await self.post("/licence", role, 201, file_number=LICENCE)

    async def object_to(self, number: str, status: int = 201) -> Any:
        text = "当时前方有事故，按交警手势通行。"
        return await self.post("/objections", "resident", status, violation=number, text=text)

    async def rows(self, model: Any) -> list[Any]:
        hub = self.desk.hub
        async with hub.read(hub.system("test")) as read:
            found = list((await read.session.execute(read.rows(model))).scalars())
            read.session.expunge_all()
        return found

    def later(self, **by: float) -> None:
        """Let time pass: whoever was signed in signs in anew."""
        self.hub.clock.move(**by)
        self._clients = {}


@pytest.fixture
def source_file(tmp_path: Path) -> Path:
    """Return where the simulated source of the test lies."""
    return tmp_path / "source.sqlite"


@pytest.fixture
def source_grants(tmp_path: Path, source_file: Path) -> Path:
    """Return a folder with the grant of an app that shares its source with the test."""
    folder = tmp_path / "granted"
    folder.mkdir()
    grant = (ROOT / "manifests" / "traffic.toml").read_text(encoding="utf-8")
    more = f'[settings.source]\nfile = "{source_file}"\n'
    grant = grant.replace("patience = 2.0", "patience = 3.0")
    more = grant.replace("[settings.source]\n", more, 1)
    (folder / "traffic.toml").write_text(more, encoding="utf-8")
    return folder


@pytest.fixture
async def town(make_hub: Any, source_grants: Path, source_file: Path) -> Town:
    """Return residents and officers at work on a morning of September."""
    hub = await make_hub(grants=source_grants)
    hub.clock.stand(MORNING)
    app = hub.hub.apps.instances["traffic"]  # a busy machine is no slow app
    app.limits = structs.replace(app.limits, timeout_seconds=60.0)
    source = Simulated(source_file, now=hub.clock)
    source.switch()
    return Town(hub, source)


@pytest.fixture
def crash(town: Town) -> Crash:
    """Return two people after a collision."""
    return Crash(town)
