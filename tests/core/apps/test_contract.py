"""The contract of apps: the good app keeps it, each departure is named."""

import pytest

from core.apps.registry import installed
from portal.testing.apps import FAILING, GRANTS, bad_apps, good_app
from portal.testing.contract import contract_faults

INSTALLED = [point.name for point in installed()]


async def test_the_good_app_keeps_the_contract(make_hub, assert_app_contract):
    await make_hub(points=[good_app()], grants=GRANTS)
    await assert_app_contract("good")


@pytest.mark.parametrize("app", INSTALLED)
async def test_an_installed_app_keeps_the_contract(assert_app_contract, app):
    await assert_app_contract(app)


async def test_a_contract_that_is_broken_names_every_fault(make_hub):
    hub = await make_hub(points=[good_app(), *bad_apps()], grants=GRANTS)
    assert await contract_faults(hub, "nobody") == ["no app of that name is installed"]
    (fault,) = await contract_faults(hub, "no-permission")
    assert "GET /open names no permission" in fault
    faults = await contract_faults(hub, FAILING[0])
    assert any("answers a visitor with 500" in fault for fault in faults)
    await hub.set_state("good", "disabled")
    (fault,) = await contract_faults(hub, "good")
    assert "not enabled" in fault
