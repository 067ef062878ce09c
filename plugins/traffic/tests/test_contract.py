async def test_the_app_keeps_its_contract(hub_app, assert_app_contract):
    await assert_app_contract("traffic")
