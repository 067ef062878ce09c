"""The answers once more before they are sent, and what is certain after."""

import html
import re

from plugins.hotline.tests.conftest import HERE
from plugins.hotline.tests.test_filing import photo

NEW = f"{HERE}/orders/new"
VALUES = {
    "kind": "help",
    "text": "路灯不亮\n连着五盏",
    "place": "建设路",
    "region": "",
    "phone": "",
}


def hidden(page):
    """Return the hidden fields of the page's main form."""
    form = page[page.index("<main") :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


async def test_answers_are_shown_before_they_are_sent_under_one_key(desk):
    resident = await desk.client("resident")
    first = hidden((await resident.page(NEW)).text)
    shown = await resident.post_form(NEW, {**VALUES, "_key": first["_key"]})
    assert shown.status_code == 200
    assert "核对后提交" in shown.text
    for words in ("求助", "建设路", "未填写"):
        assert words in shown.text
    carried = hidden(shown.text)
    assert carried["_key"] == first["_key"]
    assert carried["text"].replace("\r\n", "\n") == VALUES["text"]
    assert (await resident.get(f"{HERE}/orders")).json()["items"] == []  # nothing half-way

    changing = await resident.post_form(NEW, {**carried, "_change": "place"})
    assert changing.status_code == 200
    assert 'value="建设路"' in changing.text
    assert hidden(changing.text)["_key"] == first["_key"]

    sent = [await resident.post_form(f"{HERE}/orders", carried) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [303, 303]
    assert len({answer.headers["location"] for answer in sent}) == 1
    assert len((await resident.get(f"{HERE}/orders")).json()["items"]) == 1


async def test_a_wrong_answer_is_told_at_once_and_keeps_the_key(desk):
    resident = await desk.client("resident")
    wrong = await resident.post_form(NEW, {**VALUES, "phone": "12", "_key": "one-filing-of-mine"})
    assert wrong.status_code == 422
    assert "有误" in wrong.text
    assert hidden(wrong.text)["_key"] == "one-filing-of-mine"
    assert "路灯不亮" in wrong.text


async def test_a_refused_photo_leads_back_to_the_answers_and_loses_none(desk):
    resident = await desk.client("resident")
    files = {"photos": ("a.jpg", b"<svg/>", "image/jpeg")}
    values = {**VALUES, "_key": "one-filing-of-mine"}
    refused = await resident.post_form(f"{HERE}/orders", values, files=files)
    assert refused.status_code == 422
    assert "核对后提交" in refused.text
    assert hidden(refused.text)["place"] == "建设路"
    files = {"photos": ("a.jpg", photo(), "image/jpeg")}
    sent = await resident.post_form(f"{HERE}/orders", hidden(refused.text), files=files)
    assert sent.status_code == 303


async def test_a_form_of_another_session_is_not_shown(desk):
    resident = await desk.client("resident")
    answer = await resident.post_form(NEW, {**VALUES, "_csrf": "another"})
    assert answer.status_code == 403
    assert "路灯不亮" in answer.text  # what was typed is kept


async def test_an_operator_sends_from_the_one_page(desk):
    operator = await desk.client("operator")
    page = (await operator.page(f"{HERE}/intake")).text
    assert "第 1 步" not in page
    assert (await operator.post_form(f"{HERE}/intake/check", VALUES)).status_code in (404, 405)
    sent = await operator.post_form(f"{HERE}/intake", {**VALUES, "phone": "13800001234"})
    assert sent.status_code == 303


async def test_the_date_goes_into_a_calendar_of_whoever_filed_and_of_nobody_else(desk):
    filed = await desk.file()
    path = f"{HERE}/orders/{filed['number']}/filed"
    resident = await desk.client("resident")
    page = (await resident.page(path)).text
    assert f'href="{path}.ics"' in page
    code = re.search(r'<figure class="qr">.*?</figure>', page, re.DOTALL)
    assert code is not None
    assert f"/track?number={filed['number']}" in code[0]
    assert filed["code"] not in code[0]
    file = await resident.get(f"{path}.ics")
    assert file.headers["content-type"].startswith("text/calendar")
    assert filed["number"] in file.text
    assert filed["code"] not in file.text
    day = filed["due_at"][:10].replace("-", "")
    assert f"DTSTART;VALUE=DATE:{day}" in file.text
    for other in ("operator", "resident2"):
        assert (await (await desk.client(other)).get(f"{path}.ics")).status_code == 404


async def test_a_scanned_code_fills_the_number_in_and_asks_for_the_code(desk):
    filed = await desk.file()
    page = (await desk.hub.client().page(f"/track?number={filed['number']}")).text
    assert f'value="{filed["number"]}"' in page
    assert "error-summary" not in page
