"""The register of devolution: any day can be asked for, and nothing is half imported."""

from datetime import date

import pytest

from core.access.devolution import (
    DevolutionError,
    Entry,
    devolve,
    may_accept,
    read_register,
    register,
    withdraw,
)

HEAD = "item,name,organization,from,until,basis\n"


def entry(**more):
    values = {
        "item": "0001",
        "name": "户外广告设置审批",
        "organization": "T1",
        "starts_on": date(2026, 1, 1),
        "ends_on": None,
        "basis": "县政发〔2026〕1号",
    }
    return Entry(**{**values, **more})


async def test_any_day_is_answered_from_the_history(shell):
    town, other = [await shell.organization(code) for code in ("T1", "T2")]
    async with shell.write() as tx:
        assert await devolve(tx, [entry(), entry(organization="T2")], by=None) == (2, 0)
        (line, _) = await register(tx)
        await withdraw(tx, line.id, date(2026, 6, 30))
        assert await devolve(tx, [entry(starts_on=date(2026, 9, 1))], by=None) == (1, 0)
    async with shell.read() as tx:

        async def may(unit, *day):
            return await may_accept(tx, unit, "0001", date(*day)) is not None

        assert not await may(town, 2025, 12, 31)
        assert await may(town, 2026, 1, 1)
        assert await may(town, 2026, 6, 30)
        assert not await may(town, 2026, 7, 1)
        assert await may(town, 2026, 9, 1)
        assert await may(other, 2026, 7, 1)
        assert await may_accept(tx, town, "0002", date(2026, 1, 1)) is None
        assert len(await register(tx, organization_id=town)) == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"organization": "X"}, "organization-unknown"),
        ({"ends_on": date(2025, 1, 1)}, "devolution-day"),
        ({"basis": ""}, "devolution-basis"),
        ({"name": "x" * 201}, "devolution-name"),
        ({"item": "a\nb"}, "devolution-item"),
        ({"starts_on": date(2026, 5, 1), "ends_on": date(2026, 5, 1)}, "devolution-twice"),
    ],
)
async def test_lines_that_cannot_be_are_refused_with_their_number(shell, more, code):
    async with shell.write() as tx:
        await devolve(tx, [entry()], by=None)
    with pytest.raises(DevolutionError, match=f"line 3: {code}"):
        async with shell.write() as tx:
            await devolve(tx, [entry(item="0009"), entry(line=3, **more)], by=None)
    async with shell.read() as tx:
        assert [line.item for line in await register(tx)] == ["0001"]


async def test_a_file_is_taken_whole_and_can_be_sent_again(shell, tmp_path):
    path = tmp_path / "items.csv"
    lines = [f"{n:04},事项{n},T1,2026-01-01,,文件\n" for n in range(146)]
    path.write_text("\ufeff" + HEAD + "".join(lines), encoding="utf-8")
    for expected in ((146, 0), (0, 146)):
        async with shell.write() as tx:
            assert await devolve(tx, read_register(path), by=None) == expected
    async with shell.write() as tx:
        (line, *_) = await register(tx)
        await withdraw(tx, line.id, date(2026, 6, 30))
        for day in (date(2025, 1, 1), date(2026, 7, 1)):
            with pytest.raises(DevolutionError, match="devolution-unknown"):
                await withdraw(tx, line.id, day)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"item,name\n", "devolution-columns"),
        ((HEAD + "1,n,T1,2026-13-01,,b\n").encode(), "line 2: devolution-day"),
        ((HEAD + "1,n,T1,2026-01-01,").encode() + b"\xff\xfe", "devolution-file"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, said):
    path = tmp_path / "items.csv"
    path.write_bytes(content)
    with pytest.raises(DevolutionError, match=said):
        read_register(path)
