"""The Celery of a scenario: a queue of its own at the broker, acknowledged when a task has ended.

A program: `celery --app tests.reliability.celery_app worker`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import django

# The types of this folder are checked without it, too.
app: Any = import_module("celery").Celery("runs", broker=os.environ["RUN_BROKER"])
app.conf.task_default_queue = os.environ["RUN_QUEUE"]
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1

django.setup()
# Django's own backend tells Celery of each task when its module is imported.
import_module("payments_ui.flows.leased_run.tasks")
