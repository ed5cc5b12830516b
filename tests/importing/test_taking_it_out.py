"""The steps of the how-to, run as they are written, in a site with foreign keys of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto" / "coming-from-django-user-payments.md"
Run = Callable[..., str]

MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", {apps}, "shop"]
{more}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{database}"}}}}
# As sites have it that django-user-payments made the tables of.
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SECRET_KEY = "secret"
USE_TZ = True
PAYMENTS_UI = {{"CURRENCY": "CHF"}}
"""
OLD = {"apps": '"user_payments"', "more": ""}
BOTH = {
    "apps": '"payments_ui.core", "payments_ui.importing", "user_payments"',
    "more": 'SILENCED_SYSTEM_CHECKS = ["fields.E304", "fields.E305"]',
}
NEW = {"apps": '"payments_ui.core"', "more": ""}
MODELS = """
from django.db import models

class Order(models.Model):
    payment = models.ForeignKey("{app}.Payment", models.PROTECT, null=True)
    item = models.ForeignKey("{app}.LineItem", models.PROTECT, null=True)
"""
FILL = """
from django.contrib.auth.models import User
from django.utils import timezone
from shop.models import Order
from user_payments.models import LineItem, Payment

user = User.objects.create_user("ada", "ada@example.com")
item = LineItem.objects.create(user=user, title="Use", amount="5.00")
paid = Payment.objects.create_pending(user=user)
paid.charged_at = timezone.now()
paid.save()
ghost = Payment.objects.create(user=user, amount="9.00")
Order.objects.create(payment=paid, item=item)
Order.objects.create(payment=ghost)
"""
READ = """
from shop.models import Order

for order in Order.objects.order_by("pk"):
    print(order.payment, order.item, order.payment and order.payment.lineitems.get().amount)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a site that lives with django-user-payments."""
    (tmp_path / "shop" / "migrations").mkdir(parents=True)
    for folder in ("shop", "shop/migrations"):
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "shop" / "models.py").write_text(MODELS.format(app="user_payments"))
    configure(tmp_path, **OLD)
    return tmp_path


def configure(project: Path, database: str = "db.sqlite3", **parts: str) -> None:
    (project / "settings.py").write_text(SETTINGS.format(database=database, **parts))


def run(project: Path, command: str, stdin: str = "") -> str:
    """Run a command of the shell as a person would, and return what it prints."""
    python = command.replace("python ", f"{sys.executable} ", 1)
    done = subprocess.run(  # noqa: S602 - what the how-to says
        python,
        shell=True,
        cwd=project,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def section(title: str) -> str:
    """Return a part of the how-to, from its heading to the next."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## )", HOWTO.read_text(), re.M | re.S)
    assert found, title
    return found[1]


def commands(text: str) -> list[str]:
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def test_a_site_with_foreign_keys_of_its_own_takes_it_out(project: Path) -> None:
    for command in ("makemigrations shop", "migrate -v 0"):
        run(project, f"python manage.py {command}")
    run(project, "python manage.py shell -v 0", FILL)

    configure(project, **BOTH)
    run(project, "python manage.py migrate -v 0 payments_core")
    (move,) = commands(section("3. Move"))
    assert "The audit finds nothing." in run(project, move)

    keys = section("4. Point your foreign keys at the books")
    (snippet,) = re.findall(r"```python\n(.*?)```", keys, re.DOTALL)
    run(project, "python manage.py shell -v 0", snippet)
    (project / "shop" / "models.py").write_text(MODELS.format(app="payments_core"))
    for command in commands(keys):
        run(project, command)

    configure(project, **NEW)
    for command in commands(section("5. Take user_payments out")):
        run(project, command)
    kept = run(project, "python manage.py shell -v 0", READ)
    assert kept.splitlines() == ["Payment of 5.00 Use 5.00", "None None None"]

    # Its tests, and a new machine, make an empty database.
    configure(project, database="new.sqlite3", **NEW)
    run(project, "python manage.py migrate -v 0")
    assert run(project, "python manage.py shell -v 0", READ) == ""
