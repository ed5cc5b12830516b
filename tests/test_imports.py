"""Files know each other in one direction only, anywhere in the package."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import grimp

import payments_ui

ROOT = Path(payments_ui.__file__).parent
#: The labels of our apps: a look-up by one of them hides an import from the graph.
LABELS = ("payments_core", "payments_ui", "payments_importing")


def circular(graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """What is left after taking away, again and again, files that end no circle: its imports."""
    left = {file: graph.find_modules_directly_imported_by(file) for file in graph.modules}
    while True:
        imported = set().union(*left.values())
        inside = {file: others & left.keys() for file, others in left.items() if file in imported}
        inside = {file: others for file, others in inside.items() if others}
        if inside == left:
            return inside
        left = inside


def test_no_circle_of_two_files_or_more() -> None:
    """Imports inside functions count; those for type checkers alone do not."""
    graph = grimp.build_graph("payments_ui", exclude_type_checking_imports=True, cache_dir=None)
    assert circular(graph) == {}


def test_a_circle_would_be_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in ("ab", "bc", "ca", "cd", "ed"):
        graph.add_module(importer)
        graph.add_module(imported)
        graph.add_import(importer=importer, imported=imported)
    assert circular(graph) == {"a": {"b"}, "b": {"c"}, "c": {"a"}}


def test_no_model_of_ours_is_looked_up_by_name() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted(ROOT.rglob("*.py"))
        if "migrations" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "get_model"
        if any(
            isinstance(argument, ast.Constant) and str(argument.value).startswith(LABELS)
            for argument in call.args
        )
    ]
    assert found == []


def test_each_psps_folder_is_in_the_contract_of_strangers() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (strangers,) = (each for each in contracts if each["id"] == "psp-strangers")
    folders = {path.parent.name for path in (ROOT / "moochers").glob("*/__init__.py")}
    named = {name.rpartition(".")[2] for name in strangers["modules"]}
    assert folders == named - {"mooch"}
