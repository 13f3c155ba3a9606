from dataclasses import replace

import pytest

from bot.domain import Post
from bot.errors import LimitError
from bot.services.access import Actor
from bot.services.actions.actions import check_owner, check_user
from tests.unit.bot.jobs import job

HERE = Actor(person=1, channel_id=10, guild_id=20)
JOB = job(person=1)


def test_others_may_only_where_the_operator_lets_them() -> None:
    other = replace(HERE, person=2)

    check_user(JOB, other, for_all=True)
    check_user(JOB, HERE, for_all=False)
    check_user(JOB, replace(other, moderator=True), for_all=False)
    with pytest.raises(LimitError, match="only the person who asked"):
        check_user(JOB, other, for_all=False)


def test_who_asked_and_who_posted_may_delete() -> None:
    post = Post(job=JOB, number=2, person=5)

    for actor in (HERE, replace(HERE, person=5), replace(HERE, person=9, moderator=True)):
        check_owner(post, actor)
    with pytest.raises(LimitError, match="can delete it"):
        check_owner(post, replace(HERE, person=9))
