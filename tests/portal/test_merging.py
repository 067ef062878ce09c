"""Merging an old app into its successor: what is not proven shuts the gate, and that alone."""

from tests.portal.old_app import answer_letter, carry_over, tallies, with_mailbox, write_letters


async def test_what_was_carried_over_has_the_tally_of_what_was_there(make_hub, tmp_path):
    hub = await with_mailbox(make_hub)
    first, *_ = await write_letters(hub, ["路灯不亮", "井盖松动", "公交绕行"])
    await answer_letter(hub, first)
    (old,) = await tallies(hub, "mailbox", "mailbox")
    (new,) = await tallies(hub, "hotline", "mailbox")
    assert (old.rows, new.rows) == (3, 0)
    assert await carry_over(hub, tmp_path) == ["added"] * 3
    assert await tallies(hub, "hotline", "mailbox") == [old]
    assert await carry_over(hub, tmp_path) == ["present"] * 3
    await write_letters(hub, ["来晚的一封"])
    (later,) = await tallies(hub, "mailbox", "mailbox")
    assert (later.rows, later.digest != old.digest) == (4, True)
    assert await tallies(hub, "hotline", "mailbox") == [old], "what came since is not there"
    (all_of_it,) = await tallies(hub, "hotline", "hotline")
    assert all_of_it.rows == 3
