"""A site that is set up otherwise in every way at once: what passes here passes in each of them.

Where a test fails, running it with each of these settings alone tells by which.
"""

from __future__ import annotations

from tests.settings_atomic_requests import *
from tests.settings_login_required import *
from tests.settings_replica import DATABASE_ROUTERS as DATABASE_ROUTERS
