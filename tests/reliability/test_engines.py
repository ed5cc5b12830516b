"""Real task queues tell the workers of a run: killed, restarted and emptied in the middle."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User

from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs.counting import progress
from payments_ui.testing.psp import SandboxPSP
from tests.ports import free_port

from .crew import Crew, children, crew, kill, wait_until
from .frame import Trial, scenario
from .test_runs import HASTE, check_each_is_charged_once, finish, who_owe

WORKERS = 4
#: Where a RabbitMQ is, with a guest that may make queues.
BROKER = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


def is_done(share: float, users: list[User]) -> bool:
    run = Run.objects.first()
    return run is not None and progress(run).done >= share * len(users)


def through(trial: Trial, site: Crew, users: list[User], patience: float) -> None:
    """The cron job every few seconds, until the run is done."""

    def enqueue() -> bool:
        # A command that comes a moment after the end begins the next one.
        run = Run.objects.earliest("started_at")
        if run.state == Run.State.DONE:
            return True
        # As if its patience were over: an announcement that was lost is made again.
        waiting = RunBatch.objects.filter(rung_at__isnull=False)
        waiting.update(rung_at=run.started_at.replace(year=2020))
        site.start("process_payments", "--enqueue").wait(60)
        time.sleep(2)
        return False

    trial.check(wait_until(enqueue, seconds=patience), f"It does not end: {site.said}")
    trial.check(
        progress(Run.objects.earliest("started_at")).done >= len(users),
        "Not everybody was looked at",
    )


@contextmanager
def redis(site: Crew) -> Iterator[tuple[list[str], str]]:
    """A Redis of the scenario's own: how it is started, and its address."""
    program = shutil.which("redis-server") or pytest.fail("Redis is not installed")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder]
        yield [program, *where, "--save", "", "--appendonly", "no"], f"redis://127.0.0.1:{port}/0"


@scenario(
    43,
    "A run by RQ, whose Redis forgets",
    provoked="4 workers of django-tasks-rq; in the middle the horse of one is killed with SIGKILL, "
    "another worker itself, and Redis, which keeps nothing, is killed and started again",
    promised="each payer is charged once by the PSP's ledger; the next command calls the workers",
    databases=("postgres",),
)
@pytest.mark.skipif(not find_spec("django_tasks_rq"), reason="the group engines is not installed")
def test_rq(trial: Trial, psp: SandboxPSP) -> None:
    users = who_owe(trial.size(small=200, full=10_000))
    trial.tried(len(users))
    patience = trial.size(small=240, full=900)
    with crew(psp, **HASTE) as site, redis(site) as (server, url):
        site.environment |= {
            "RUN_REDIS": url,
            "RUN_APPS": json.dumps(["django_rq", "django_tasks_rq"]),
            "RUN_TASKS": json.dumps({"default": {"BACKEND": "django_tasks_rq.RQBackend"}}),
        }
        first = site.start_program(*server)
        time.sleep(1)
        words = ("rqworker", "--job-class", "django_tasks_rq.Job")
        workers = [site.start(*words) for _number in range(WORKERS)]
        site.start("process_payments", "--enqueue").wait(60)
        trial.check(
            wait_until(lambda: is_done(0.2, users), seconds=patience), f"No start: {site.said}"
        )
        for horse in children(workers[0].pid):
            kill(horse)
        kill(workers[1].pid)
        first.kill()
        first.wait()
        site.start_program(*server)
        time.sleep(1)
        # What a supervisor does.
        workers += [site.start(*words) for worker in workers if worker.poll() is not None]
        through(trial, site, users, patience)
        finish(trial, site, psp)
        site.start("process_payments").wait(patience)
    check_each_is_charged_once(trial, psp, users)


@scenario(
    44,
    "A run by django-tasks-db",
    provoked="4 workers of django-tasks-db, of which one is killed with SIGKILL in the middle",
    promised="each payer is charged once by the PSP's ledger; the next command calls the workers",
    databases=("postgres",),
)
@pytest.mark.skipif(not find_spec("django_tasks_db"), reason="the group engines is not installed")
def test_db(trial: Trial, psp: SandboxPSP) -> None:
    users = who_owe(trial.size(small=200, full=10_000))
    trial.tried(len(users))
    patience = trial.size(small=240, full=900)
    with crew(psp, **HASTE) as site:
        site.environment |= {
            "RUN_APPS": json.dumps(["django_tasks", "django_tasks_db"]),
            "RUN_TASKS": json.dumps({"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}),
        }
        trial.check(site.start("migrate").wait(120) == 0, site.said)
        workers = [site.start("db_worker") for _number in range(WORKERS)]
        site.start("process_payments", "--enqueue").wait(60)
        trial.check(
            wait_until(lambda: is_done(0.2, users), seconds=patience), f"No start: {site.said}"
        )
        kill(workers[0].pid, signal.SIGKILL)
        through(trial, site, users, patience)
        finish(trial, site, psp)
        site.start("process_payments").wait(patience)
    check_each_is_charged_once(trial, psp, users)


def without_celery() -> str:
    """Why there is no Celery over RabbitMQ here; empty: there is."""
    if not find_spec("django_tasks_celery"):
        return "the group engines has Celery from Python 3.12 and Django 6.0 on"
    where = urlsplit(BROKER)
    try:
        socket.create_connection((str(where.hostname), where.port or 5672), timeout=1).close()
    except OSError as error:
        return f"no RabbitMQ at {where.hostname}:{where.port}: {error}"
    return ""


@scenario(
    45,
    "A run by Celery over RabbitMQ, whose queue is emptied",
    provoked="4 workers of Celery by django-tasks-celery; in the middle one is killed with SIGKILL "
    "together with its pool, another's pool alone, and the queue is purged",
    promised="each payer is charged once by the PSP's ledger; the next command calls the workers",
    databases=("postgres",),
)
@pytest.mark.skipif(bool(without_celery()), reason=without_celery() or "Celery is here")
def test_celery(trial: Trial, psp: SandboxPSP) -> None:
    users = who_owe(trial.size(small=200, full=10_000))
    trial.tried(len(users))
    patience = trial.size(small=240, full=900)
    celery = (sys.executable, "-m", "celery", "--app", "tests.reliability.celery_app")
    with crew(psp, **HASTE) as site:
        queue = f"runs-{secrets.token_hex(6)}"
        path = "tests.reliability.celery_app.app"
        backend = {"BACKEND": "django_tasks_celery.CeleryBackend", "OPTIONS": {"CELERY_APP": path}}
        site.environment |= {
            "RUN_BROKER": BROKER,
            "RUN_QUEUE": queue,
            "RUN_TASKS": json.dumps({"default": backend}),
        }

        def worker(number: int) -> subprocess.Popen[bytes]:
            name = f"--hostname={number}@{queue}"
            return site.start_program(*celery, "worker", "--concurrency=1", name)

        workers = [worker(number) for number in range(WORKERS)]
        site.start("process_payments", "--enqueue").wait(60)
        trial.check(
            wait_until(lambda: is_done(0.2, users), seconds=patience), f"No start: {site.said}"
        )
        for pid in [*children(workers[0].pid), workers[0].pid, *children(workers[1].pid)]:
            kill(pid)
        site.start_program(*celery, "purge", "--force").wait(60)
        # What a supervisor does.
        workers.append(worker(WORKERS))
        through(trial, site, users, patience)
        finish(trial, site, psp)
        site.start("process_payments").wait(patience)
        for started in workers:
            started.terminate()
        site.start_program(*celery, "amqp", "queue.delete", queue).wait(60)
    check_each_is_charged_once(trial, psp, users)
