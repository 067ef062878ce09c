import pytest


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_contract(assert_app_contract):
    await assert_app_contract("supervision")
