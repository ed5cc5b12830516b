"""README.md and the tutorial do what they say: their blocks, word for word, in a new project.

The project is what `startproject` makes, with the app that the documents take for granted, and with
the package from its wheel. A line in a block names a file: Python goes to the end of that file; in
a template, `…` is what the element holds already. REFERENCE is what the customer reads.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.charges import PAID, PATIENCE, TRANSFER, Charges
from e2e.stage import ROOT
from e2e.watch import Watch

README, TUTORIAL = "README.md", "docs/tutorial.md"

# What the documents take for granted.
SITE = {
    "settings.py": """
INSTALLED_APPS += ["shop"]
LOGIN_URL = "admin:login"
""",
    "urls.py": """
from django.views.generic import TemplateView
from shop import views
urlpatterns += [
    path("", TemplateView.as_view(template_name="dashboard.html"), name="dashboard"),
    path("render/", lambda request: views.render(request)),
]
""",
    "shop/__init__.py": "",
    "shop/views.py": "",
    "shop/rendering.py": """
from types import SimpleNamespace
def start_render(request):
    return SimpleNamespace(pk=request.GET["job"], tiles=3264)
""",
    "shop/templates/base.html": """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Shop</title></head>
<body>{% block content %}{% endblock %}</body>
</html>
""",
    "shop/templates/dashboard.html": """{% extends "base.html" %}
{% block content %}<main><h1>Dashboard</h1></main>{% endblock %}
""",
}
# README.md shows two lines of a view.
ANY_VIEW = """
from django.shortcuts import redirect
from shop.rendering import start_render
def render(request):
    job = start_render(request)
{}
    return redirect("dashboard")
"""
PRODUCTION = {
    "settings.py": """
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
STATIC_ROOT = BASE_DIR / "collected"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    },
}
""",
    # As a web server does it.
    "urls.py": """
from django.conf import settings
from django.views.static import serve
urlpatterns += [path("static/<path:path>", serve, {"document_root": settings.STATIC_ROOT})]
""",
}


SUM = "3,264 tiles \N{MULTIPLICATION SIGN} CHF 0.0004"
ELEMENT = re.compile(r"<(head|body|main)>(.*?)</\1>", re.DOTALL)


def blocks(document: str) -> Iterator[tuple[str, str]]:
    """The file that each block of a document is for, or "" for the console, and what it says."""
    text = (ROOT / document).read_text()
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language == "console":
            yield "", block
        elif language == "django":
            named = re.match(r"\{# (\S+\.html) #\}\n", block)
            yield (named[1] if named else "shop/templates/base.html"), block
        else:
            parts = re.split(r"^# (\S+\.py|any view)\b.*\n", block, flags=re.MULTILINE)
            assert not parts[0], f"A block of {document} names no file:\n{block}"
            yield from zip(parts[1::2], parts[2::2], strict=True)


def commands(document: str) -> dict[str, str]:
    """What a document types into the console, by the first word that tells it apart."""
    lines = [line for name, block in blocks(document) if not name for line in block.splitlines()]
    return {line.split()[2]: line for line in lines if line.startswith("python ")}


class Project:
    """A new project, and the console in its folder."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self.packages = folder / "packages"
        inherited = {key: value for key, value in os.environ.items() if key[:6] != "DJANGO"}
        self.environment = inherited | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(self.packages),
            # pip takes the wheel, and nothing from elsewhere; what it needs is installed.
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PIP_TARGET": str(self.packages),
            "DJANGO_SUPERUSER_USERNAME": "ada",
            "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
            "DJANGO_SUPERUSER_PASSWORD": "contours",
        }

    def run(self, command: str) -> str:
        """Run a command of the shell as a reader would; return what it prints and logs."""
        done = subprocess.run(  # noqa: S602 - what the documents say
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def apply(self, name: str, text: str) -> None:
        """Do with a block what the tutorial's introduction says."""
        if name == "any view":
            lines = (f"    {line}" for line in text.splitlines())
            name, text = "shop/views.py", ANY_VIEW.format("\n".join(lines))
        path = self.folder / ("mysite" if name in ("settings.py", "urls.py") else "") / name
        before = path.read_text() if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            _merged(before, text) if before and path.suffix == ".html" else before + text
        )

    def apply_all(self, parts: dict[str, str]) -> None:
        for name, text in parts.items():
            self.apply(name, text)


def _merged(template: str, block: str) -> str:
    """The template with the block's elements instead of its own, and the block's rest in front."""
    for tag, content in ELEMENT.findall(block):
        head, start, held, end, rest = re.split(rf"(<{tag}>)(.*)(</{tag}>)", template, flags=re.S)
        template = head + start + content.replace("…", held) + end + rest
    beside = ELEMENT.sub("", block)
    return template if template.startswith("{% extends") else beside + template


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package's wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir"]
    subprocess.run([*build, folder, ROOT], check=True, capture_output=True)  # noqa: S603 - our own command
    return folder


@pytest.fixture
def project(document: str, production: bool, wheels: Path, tmp_path: Path) -> Project:
    """The project of somebody who has followed the document up to the first use."""
    project = Project(tmp_path, wheels)
    project.run("python -m django startproject mysite .")
    project.apply_all(SITE)
    project.run(commands(TUTORIAL)["pip"])
    for name, text in blocks(document):
        if name:
            project.apply(name, text)
    if document == README:
        # README.md names it, and leaves it to the tutorial.
        project.apply("shop/moochers.py", dict(blocks(TUTORIAL))["shop/moochers.py"])
    # A test is less patient than a reader.
    project.apply("settings.py", 'PAYMENTS_UI["LIVE_INTERVAL"] = 1\n')
    project.run(commands(TUTORIAL)["migrate"])
    project.run("python manage.py createsuperuser --no-input")
    if production:
        project.apply_all(PRODUCTION)
        project.run("python manage.py collectstatic --no-input")
    return project


@pytest.fixture
def address(project: Project) -> Iterator[str]:
    """The running site."""
    with (project.folder / "site.log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "runserver", "--noreload", "127.0.0.1:0"],
            cwd=project.folder,
            env=project.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        found = (re.search(r"server at (http://[\d.:]+)/", line) for line in process.stdout)
        address = next((match[1] for match in found if match), "")
        if address:
            yield address
        process.terminate()
        process.communicate(timeout=20)
        log.seek(0)
        said = log.read()
    assert address, said
    assert "Traceback" not in said, said


@pytest.fixture
def seen() -> Iterator[Watch]:
    """What the browser asks for; the test fails if it complains of an answer."""
    watch = Watch()
    watch.allow("/favicon.ico")
    yield watch
    assert watch.problems == []


@pytest.fixture
def ada(browser: Browser, address: str, seen: Watch) -> Iterator[Page]:
    """Somebody who has signed in and sees the dashboard."""
    context = browser.new_context(base_url=address)
    context.set_default_timeout(PATIENCE)
    seen.over(context)
    page = context.new_page()
    page.goto("/admin/login/?next=/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("contours")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{address}/")
    yield page
    context.close()


@pytest.mark.parametrize(
    ("document", "production"),
    [(README, True), (TUTORIAL, True), (TUTORIAL, False)],
    ids=["README.md", "tutorial.md", "tutorial.md-as-startproject-leaves-it"],
)
def test_a_reader_charges_for_a_use_and_is_paid(
    document: str, project: Project, ada: Page, seen: Watch
) -> None:
    where = project.run('python -c "import payments_ui; print(payments_ui.__file__)"')
    assert where.startswith(str(project.packages))
    assert "payments_ui" not in project.run("python manage.py check --deploy")

    # "Open the page, use the service in another tab, and watch the total change."
    other = ada.context.new_page()
    other.goto("/render/?job=1")
    charges = Charges(ada).at("To pay: CHF 1.31")
    if document == TUTORIAL:
        expect(charges.root.get_by_text(SUM)).to_be_visible()
    # The key names the use.
    other.goto("/render/?job=1")
    other.close()

    charges.begin().choose(TRANSFER).button("Get the transfer details").click()
    charges.at("Waiting for your transfer")
    details = charges.root.inner_text()
    reference = re.search(r"\b\d\d(?: \d{5}){5}\b", details)
    assert reference, details
    book = commands(TUTORIAL)["book_transfer"].replace("REFERENCE", f"'{reference[0]}'")
    project.run(book)
    # "The widget turns into a receipt by itself."
    charges.at(PAID)

    files = {request.url for request in seen.sent("GET", "/static/")}
    assert any("/django_htmx/htmx-2" in url for url in files)
    assert {url: ada.request.get(url).status for url in files} == dict.fromkeys(files, 200)


def test_fifteen_lines_are_fifteen() -> None:
    shown = re.findall(
        r"^```(?:python|django)\n(.*?)^```$", (ROOT / README).read_text(), re.M | re.S
    )
    assert len([line for block in shown for line in block.splitlines() if line]) == 15
