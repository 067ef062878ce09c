"""A linked app behind the door: it leads to the old app, asks who may, and counts."""

import shutil

import pytest

from core.governance.archive import service as archive
from portal.testing.linked import GRANTS
from tests.portal.oidc.relying import PAGE, params_of, register

HERE = "/apps/diary"
THERE = "http://127.0.0.1:8901/"

pytestmark = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@pytest.fixture
async def hub(make_hub):
    """A hub with the diary, which the unit of the cast may use and nobody else."""
    hub = await make_hub(grants=GRANTS)
    await hub.staff("diary")
    return hub


def counted(hub, feature):
    """What was counted of a feature of the diary: kinds that `count` takes."""
    usage = hub.services.usage
    return {key[-1]: n for key, n in usage._others.items() if key[:2] == ("diary", feature)}


async def test_a_launch_leads_to_the_old_app_and_counts_as_an_open(hub):
    unit = await hub.client_as("unit")
    home = await unit.get("/apps", headers=PAGE)
    assert f'href="{HERE}/" data-main hx-boost="false"' in home.text
    assert "（打开外部系统）" in home.text
    answer = await unit.get(f"{HERE}/", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, THERE)
    scripted = await unit.get(f"{HERE}/", headers={**PAGE, "hx-request": "true"})
    assert (scripted.status_code, scripted.headers["hx-redirect"]) == (200, THERE)
    assert counted(hub, "GET /") == {"opens": 2}
    assert (await unit.get(f"{HERE}/pages/1")).status_code == 404


async def test_who_may_not_use_it_is_led_nowhere(hub):
    resident = await hub.client_as("resident")
    answer = await resident.get(f"{HERE}/")
    assert (answer.status_code, answer.json()["permission"]) == (403, "diary.page.open")
    assert (await hub.client().get(f"{HERE}/")).status_code == 401
    assert HERE not in (await resident.get("/apps", headers=PAGE)).text
    assert counted(hub, "GET /") == {}


async def test_the_door_of_a_linked_app_stands_as_any_other(hub):
    unit = await hub.client_as("unit")
    rp = await register(hub, "diary", app="diary")

    async def signs_in():
        return params_of(await rp.authorize(unit))

    await hub.set_state("diary", "disabled")
    assert (await unit.get(f"{HERE}/")).status_code == 503
    assert (await signs_in())["error"] == "access_denied"
    await hub.set_state("diary", "enabled", mode="moved", successor="hotline")
    moved = await unit.get(f"{HERE}/letters?n=1")
    assert moved.status_code == 308
    assert moved.headers["location"] == "/apps/hotline/letters?n=1"
    assert (await signs_in())["error"] == "access_denied"
    await hub.set_state("diary", "enabled", mode="closed")
    assert (await unit.get(f"{HERE}/")).status_code == 410
    assert (await signs_in())["error"] == "access_denied"
    await hub.set_state("diary", "enabled", mode="read_only")
    assert (await unit.get(f"{HERE}/")).status_code == 303
    assert "code" in await signs_in()


async def test_sign_ins_are_use_of_the_app_and_of_nobody_in_particular(hub):
    rp = await register(hub, "diary", app="diary")
    unit = await hub.client_as("unit")
    await rp.sign_in(unit)
    assert counted(hub, "sign-in") == {"answered": 1}
    resident = await hub.client_as("resident")
    refused = params_of(await rp.authorize(resident))
    assert refused["error"] == "access_denied"
    assert "may not use" in refused["error_description"]
    assert counted(hub, "sign-in") == {"answered": 1}


async def test_the_register_knows_how_far_it_is_ported(hub):
    async with hub.services.database.transaction() as tx:
        entry = (await hub.hub.governance.register(tx))["diary"]
    assert (entry.level, entry.behind_door, entry.own_sign_in) == ("linked", True, False)
    assert entry.hosts == {"127.0.0.1"}


async def test_it_can_be_archived_for_it_keeps_nothing_here(hub):
    async with hub.services.database.transaction() as tx:
        in_the_way = [one.key for one in await archive.obstacles(tx, "diary")]
    assert in_the_way == ["archive-not-closed"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('level = "linked"', 'level = "native"', "manifest"),
        ('id = "diary"', 'id = "other"', "manifest"),
        ('sdk = ">=0.1,<0.3"', 'sdk = ">=9"', "sdk"),
    ],
)
async def test_a_manifest_that_does_not_hold_is_refused_by_name(make_hub, tmp_path, old, new, says):
    grants = tmp_path / "asked"
    shutil.copytree(GRANTS, grants)
    file = grants / "linked" / "diary.toml"
    file.write_text(file.read_text().replace(old, new), encoding="utf-8")
    hub = await make_hub(grants=grants)
    app = hub.hub.apps.instances["diary"].app
    assert app.refusal.code == says
    assert (await hub.client().get(f"{HERE}/")).status_code == 503


async def test_an_app_that_was_ported_since_is_its_package(make_hub, tmp_path):
    grants = tmp_path / "asked"
    shutil.copytree(GRANTS, grants)
    file = grants / "linked" / "diary.toml"
    file.write_text(file.read_text().replace("diary", "hotline"), encoding="utf-8")
    file.rename(file.with_name("hotline.toml"))
    hub = await make_hub(grants=grants)
    assert hub.hub.apps.instances["hotline"].app.plugin is not None
    assert hub.hub.apps.instances["hotline@linked"].app.refusal.code == "id-taken"
