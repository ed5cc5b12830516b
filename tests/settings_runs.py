"""The site of tests/reliability/test_runs.py, in each process that works on a run.

What differs from test to test it reads from the environment: the database and the PSP of the
test, the settings of the run, and the queue that tells workers of it.
"""

from __future__ import annotations

import json
import os

from tests.settings import *

DATABASES["default"]["NAME"] = os.environ["TORTURE_DATABASE"]
PAYMENTS_UI = {
    "MOOCHERS": ["tests.reliability.crew.card"],
    "PROCESSORS": ["tests.reliability.crew.CardOnFile"],
    "ALLOW_SANDBOX": True,
    "BASE_URL": "http://127.0.0.1:9",
    "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    **json.loads(os.environ.get("RUN_SETTINGS", "{}")),
}
TASKS = json.loads(os.environ.get("RUN_TASKS", "{}")) or globals().get("TASKS", {})
INSTALLED_APPS += json.loads(os.environ.get("RUN_APPS", "[]"))
if "RUN_REDIS" in os.environ:
    RQ_QUEUES = {"default": {"URL": os.environ["RUN_REDIS"], "DEFAULT_TIMEOUT": 300}}
