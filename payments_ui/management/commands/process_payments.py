"""Charges what everybody owes who agreed to be charged."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, cast

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.base import ProgressBar

from payments_ui import money
from payments_ui.core.billing import owed
from payments_ui.core.management.users import find_user
from payments_ui.core.models import Run
from payments_ui.core.runs.counting import Progress, progress
from payments_ui.core.runs.states import RunState
from payments_ui.exceptions import NoEngineError, RunStoppedError
from payments_ui.flows.charge_payers import NightResult, Options, charge_payers
from payments_ui.flows.leased_run import doorbell, engine, plan, processes
from payments_ui.flows.mails import due
from payments_ui.management import command_output


class Command(BaseCommand):
    help = (
        "Charge what everybody owes who agreed to it and whose day it is by BILLING_SCHEDULE, then "
        "what is pending, by the PROCESSORS of the site. Run it daily, or hourly; several may run "
        "at once, on any machine, and share the work. Exit code 2 if a PSP did not answer or "
        "something failed; then the next one goes on where it ended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", help="Of one user only: user name or primary key.")
        parser.add_argument("--currency", help="What is owed in this currency only.", default="")
        parser.add_argument("--limit", type=int, help="At most so many payments.")
        parser.add_argument("--workers", type=int, default=1, help="Processes on this machine.")
        parser.add_argument(
            "--enqueue",
            action="store_true",
            help="Let the workers of Django's TASKS do it, and only tell them.",
        )
        parser.add_argument("--resume", action="store_true", help="Go on with a stopped run.")
        parser.add_argument("--run", help="Work on this run, and start no other.")
        command_output.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        currency, limit = options["currency"].upper(), options["limit"]
        if currency and not money.is_currency(currency):
            raise CommandError(f"{currency!r} is not a currency the kit can charge in.")
        if limit is not None and limit < 1:
            raise CommandError("--limit is at least 1.")
        if options["workers"] < 1:
            raise CommandError("--workers is at least 1.")
        user = str(find_user(options["user"]).pk) if options["user"] else ""
        only = Options(currency=currency, user=user)
        dry_run, as_json = options["dry_run"], options["json"]
        if not dry_run:
            # The mails of a site's first night tell of this night.
            due.begin()
        try:
            if limit or dry_run or only != Options():
                # A part, to try it out: one after the other, and no worker helps.
                tell = self._bar(owed.count(user=user or None, currency=currency), as_json=as_json)
                result = charge_payers(options=only, limit=limit, dry_run=dry_run, progress=tell)
            else:
                result = self._run(options)
        except (ImproperlyConfigured, RunStoppedError, NoEngineError) as error:
            raise CommandError(str(error)) from error
        line = _line(result, dry_run=dry_run)
        with result.count_errors("The mails of the night"):
            result.mails = sum(due.send_due(dry_run=dry_run).sent.values())
        command_output.finish(self, result, [line], as_json=as_json)

    def _run(self, options: dict[str, Any]) -> NightResult:
        """Work on the run that is open, or on a new one."""
        if options["enqueue"]:
            engine.find()
        run = self._named(options["run"]) or plan.start(
            rings=options["enqueue"], resume=options["resume"]
        )
        if options["enqueue"]:
            doorbell.sweep(engine.find)
        else:
            bar = self._bar(progress(run).payers, as_json=options["json"])
            tell = lambda: bar(progress(run).done)  # noqa: E731
            processes.work_here(run, workers=options["workers"], tell=tell)
        return _result(progress(run))

    def _named(self, pk: str | None) -> Run | None:
        try:
            return None if pk is None else Run.objects.get(pk=pk)
        except (Run.DoesNotExist, ValidationError) as error:
            raise CommandError(f"No run has the key {pk}.") from error

    def _bar(self, total: int, *, as_json: bool) -> Callable[[int], None]:
        """A bar on a terminal, as ``dumpdata`` draws it: Django's own, so nothing is installed."""
        if as_json or not self.stdout.isatty():
            return lambda _payers: None
        bar = ProgressBar(cast("IO[str]", self.stdout), total)
        return lambda payers: bar.update(min(payers, total))


def _result(found: Progress) -> NightResult:
    stopped = {
        RunState.INTERRUPTED: found.note,
        RunState.STOPPED: f"The run was stopped: {found.note}",
    }
    return NightResult(
        payers=found.done,
        due=found.done - found.skipped - found.later - found.inactive - found.errors,
        charged=found.charged,
        declined=found.declined,
        open=found.open,
        asked=found.asked,
        later=found.later,
        inactive=found.inactive,
        skipped=found.skipped,
        errors=found.errors,
        stopped=stopped.get(found.state, ""),
    )


def _line(result: NightResult, *, dry_run: bool) -> str:
    waiting = {"outside their hours": result.later, "inactive": result.inactive}
    waiting = {name: number for name, number in waiting.items() if number}
    if dry_run:
        left = f" ({command_output.counted(waiting)})" if waiting else ""
        return f"{result.payers} payers, {result.due} payments due{left}. Nothing was changed."
    done = {
        "charged": result.charged,
        "declined": result.declined,
        "open": result.open,
        "asked": result.asked,
        "skipped": result.skipped,
    }
    return f"{result.payers} payers, {result.due} due: {command_output.counted(done | waiting)}."
