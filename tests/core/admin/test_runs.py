"""Runs in the admin: live, stopped and resumed by who may."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments_ui.core import signals
from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import steering
from tests.conftest import UserFactory
from tests.core.runs.support import running

from .conftest import permitted

pytestmark = pytest.mark.django_db
LIST = "admin:payments_core_run_changelist"


def page(client: Client, run: Run, query: str = "") -> Any:
    url = reverse("admin:payments_core_run_change", args=[run.pk])
    return client.get(url + query)


@pytest.fixture
def run() -> Run:
    """Return a run that has charged some of its payers."""
    done = {"payers": 10, "done": 10, "charged": 6, "declined": 2, "open": 1}
    return running({**done, "ended_at": timezone.now()}, {"payers": 30})


def test_a_clerk_sees_how_far_it_is(make_user: UserFactory, run: Run) -> None:
    client = permitted(make_user, "view_run")
    assert "25 %" in client.get(reverse(LIST)).content.decode()
    shown = page(client, run).content.decode()
    for text in ('<progress max="100" value="25">', "1 of 2", "10 of 40", "Payers a minute"):
        assert text in shown


def test_the_page_is_live_while_the_run_runs(make_user: UserFactory, run: Run) -> None:
    client = permitted(make_user, "view_run")
    assert page(client, run)["Refresh"] == "5"
    assert "Refresh" not in page(client, run, "?live=0")
    steering.stop(run, by="ada")
    assert "Refresh" not in page(client, run)


def test_it_tells_when_it_will_end(make_user: UserFactory, run: Run) -> None:
    long_ago = timezone.now() - dt.timedelta(minutes=1)
    Run.objects.update(going_since=long_ago, done_before=0)
    shown = page(permitted(make_user, "view_run"), run).content.decode()
    assert re.search(r"\b20\d\d\b", shown.partition("Estimated end")[2][:300])


def test_a_run_that_is_gone_is_not_found(make_user: UserFactory, run: Run) -> None:
    Run.objects.all().delete()
    assert page(permitted(make_user, "view_run"), run).status_code == 302


def test_who_may_stops_it_and_lets_it_go_on(make_user: UserFactory, run: Run) -> None:
    stop = {"action": "stop", "_selected_action": [str(run.pk)], "reason": "A wrong price."}
    permitted(make_user, "view_run").post(reverse(LIST), stop)
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING
    client = permitted(make_user, "view_run", "steer_run")
    client.post(reverse(LIST), stop)
    run.refresh_from_db()
    assert run.state == Run.State.STOPPED
    assert run.note.startswith("A wrong price. (user:")
    client.post(reverse(LIST), {**stop, "action": "resume"})
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


@pytest.mark.parametrize("action", ["stop", "resume"])
def test_what_has_ended_neither_stops_nor_goes_on(
    make_user: UserFactory, run: Run, action: str
) -> None:
    RunBatch.objects.update(ended_at=timezone.now())
    steering.finish(run)
    post = {"action": action, "_selected_action": [str(run.pk)], "reason": "Why not."}
    shown = permitted(make_user, "view_run", "steer_run").post(reverse(LIST), post, follow=True)
    assert "not in a state for that" in shown.content.decode()


@pytest.mark.django_db(transaction=True)
def test_whoever_listens_hears_that_it_goes_on(run: Run) -> None:
    heard: list[Run] = []

    def listen(run: Run, **_signal: object) -> None:
        heard.append(run)

    signals.run_resumed.connect(listen)
    try:
        steering.stop(run, by="ada")
        steering.resume(run)
    finally:
        signals.run_resumed.disconnect(listen)
    assert heard == [run]
