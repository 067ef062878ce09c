"""What an attacker found, held shut."""

from litestar._parsers import parse_url_encoded_form_data

URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
PAGE = {"accept": "text/html"}


async def test_a_form_that_is_not_utf8_is_refused_and_nothing_is_kept(hub_app):
    resident = await hub_app.client_as("resident")
    for text in ("%ff%fe", "%ed%a0%80", "ok%c3"):
        answer = await resident.post(
            "/apps/hotline/orders",
            content=f"kind=help&text={text}&_csrf={resident.csrf}",
            headers=URLENCODED,
        )
        assert answer.status_code == 400, answer.text
        assert answer.json()["type"] == "urn:yimen:problem:bad-form-data"
    kept = await resident.get("/apps/hotline/orders.csv")
    assert len(kept.text.splitlines()) == 1, "only the head of the table"


async def test_no_form_stays_in_memory_once_it_is_read(hub_app):
    parse_url_encoded_form_data.cache_clear()
    client = hub_app.client()
    await client.post("/sign-in", content="username=nobody&password=kept", headers=URLENCODED)
    wrong = await client.post("/feedback", content="text=x", headers={**URLENCODED, **PAGE})
    assert wrong.status_code == 422
    assert parse_url_encoded_form_data.cache_info().currsize == 0


async def test_a_form_of_very_many_fields_is_refused(hub_app):
    body = "&".join(f"a{n}=1" for n in range(5000))
    answer = await hub_app.client().post("/sign-in", content=body, headers=URLENCODED)
    assert answer.status_code == 400
