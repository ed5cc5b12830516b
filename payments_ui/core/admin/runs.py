"""Runs in the admin: how far each is, live; stopped and resumed by who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from payments_ui import dates
from payments_ui.core.models import Run
from payments_ui.core.runs import steering
from payments_ui.exceptions import RunStateError

from .actions import asks_reason
from .base import ReadOnlyAdmin, allows

if TYPE_CHECKING:
    from payments_ui.core.runs.counting import Progress

#: Seconds after which the page of a run that runs is loaded again.
LIVE = 5
_MOVING = (Run.State.PLANNING, Run.State.RUNNING)


@asks_reason(
    _("Stop"),
    permission="steer",
    fits_row=lambda run: run.state in (Run.State.RUNNING, Run.State.INTERRUPTED),
)
def stop(run: Run, *, by: str, reason: str) -> None:
    """Stop the run, after the payers who are being charged."""
    if not steering.stop(run, by=f"{reason} ({by})"):
        raise RunStateError(f"It is {run.get_state_display()}")


@asks_reason(
    _("Resume"),
    permission="steer",
    fits_row=lambda run: run.state in (Run.State.STOPPED, Run.State.INTERRUPTED),
)
def resume(run: Run, *, by: str, reason: str) -> None:
    """Let the run go on: with the workers of the queue, or with the next command."""
    if not steering.resume(run):
        raise RunStateError(f"It is {run.get_state_display()}")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Each night's run. The page of one that runs is loaded again every few seconds."""

    list_display = ("started_at", "state", "how_far", "ended_at", "note")
    list_filter = ("state",)
    newest_by = "started_at"
    readonly_fields = (
        *("how_far", "batches_done", "payers_done", "charged", "declined", "outcome_open"),
        *("asked", "later", "inactive", "skipped", "errors", "speed", "estimated_end"),
    )
    exclude = ("open_slot",)
    actions = (stop, resume)
    has_steer_permission = allows("steer_run")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What is stored, then how far it is."""
        return [*super().get_fields(request, obj), *self.readonly_fields]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """As Django's; live while the run runs, unless the address says ``live=0``.

        By a header, so that it needs no script.
        """
        response: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
        run = self.get_object(request, object_id) if response.status_code == 200 else None
        if run is not None and run.state in _MOVING and request.GET.get("live") != "0":
            response["Refresh"] = str(LIVE)
        return response

    @admin.display(description=_("progress"))
    def how_far(self, run: Run) -> str:
        """A bar, and the same in words."""
        percent = _progress(run).percent
        bar = '<progress max="100" value="{}">{} %</progress> {} %'
        return format_html(bar, percent, percent, percent)

    @admin.display(description=_("batches"))
    def batches_done(self, run: Run) -> str:
        """How many are done, of how many."""
        found = _progress(run)
        return _of(found.batches_done, found.batches)

    @admin.display(description=_("payers"))
    def payers_done(self, run: Run) -> str:
        """How many were looked at, of how many."""
        found = _progress(run)
        return _of(found.done, found.payers)

    @admin.display(description=_("charged"))
    def charged(self, run: Run) -> int:
        """Whose money was taken."""
        return _progress(run).charged

    @admin.display(description=_("declined"))
    def declined(self, run: Run) -> int:
        """Whose card or bank said no."""
        return _progress(run).declined

    @admin.display(description=_("outcome open"))
    def outcome_open(self, run: Run) -> int:
        """Of whom the PSP has not said yet whether they paid."""
        return _progress(run).open

    @admin.display(description=_("asked to pay"))
    def asked(self, run: Run) -> int:
        """Who got a mail."""
        return _progress(run).asked

    @admin.display(description=_("outside their hours"))
    def later(self, run: Run) -> int:
        """Who is tried again at another hour of their day."""
        return _progress(run).later

    @admin.display(description=_("inactive users"))
    def inactive(self, run: Run) -> int:
        """Who owes, and is not charged since their user is not active."""
        return _progress(run).inactive

    @admin.display(description=_("nothing to charge now"))
    def skipped(self, run: Run) -> int:
        """Whose day it is not, or who agreed to nothing."""
        return _progress(run).skipped

    @admin.display(description=_("errors"))
    def errors(self, run: Run) -> int:
        """Of whom the log says more."""
        return _progress(run).errors

    @admin.display(description=_("payers a minute"))
    def speed(self, run: Run) -> str:
        """Since it runs without a stop."""
        return localize(round(_progress(run).per_minute))

    @admin.display(description=_("estimated end"))
    def estimated_end(self, run: Run) -> str:
        """At this speed; unknown while it does not run."""
        end = _progress(run).estimated_end
        return dates.format_moment(end) if end else "-"


def _of(done: int, number: int) -> str:
    return _("%(done)s of %(number)s") % {"done": localize(done), "number": localize(number)}


def _progress(run: Run) -> Progress:
    # Not above: every process loads the admin, and few show a run.
    from payments_ui.core.runs.counting import progress

    return progress(run)
