"""OPTIONS, which no route declares."""


async def test_options_is_refused_and_is_no_failure_of_the_app(hub_app):
    client = hub_app.client()
    for path in ("/", "/apps/hotline/orders"):
        for _ in range(8):  # more than the failures that open a breaker
            answer = await client.options(path)
            assert answer.status_code == 405
            assert answer.json()["type"] == "urn:yimen:problem:method-not-allowed"
    assert hub_app.hub.apps.instances["hotline"].breaker.closed
