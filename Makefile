# Everything a stranger or a contributor does here, by name. CONTRIBUTING.md explains each.

VENV ?= .venv
PORT ?= 8000
# Workers of pytest-xdist; "auto" is one for each core.
WORKERS ?= auto
# More arguments for pytest, as in: make unit ARGS='-k receipt'
ARGS ?=

BIN := $(VENV)/bin
export PYTHON
# The tests start hundreds of processes: each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-reset test unit programs coverage e2e variants torture localstripe load lint format lock docs pictures bench messages clean

help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# One stamp for each dependency group: pip runs again only when pyproject.toml or a lock has changed.
$(VENV)/%.installed: pyproject.toml scripts/venv $(wildcard requirements/*.txt)
	@scripts/venv $(VENV) $*
	@touch $@

demo: $(VENV)/demo.installed ## Run the example site (PORT=8000); running it again keeps its data
	@$(BIN)/python example_project/manage.py demo --port $(PORT)

demo-reset: $(VENV)/demo.installed ## Run the example site with fresh data
	@$(BIN)/python example_project/manage.py demo --port $(PORT) --reset

test: unit programs e2e ## Run all tests: units, what starts programs, and the journeys in a real browser

PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
# These start processes: the example site, a build of the package, the benchmark, workers that are killed.
PROGRAMS := tests/bench tests/example tests/importing/test_taking_it_out.py tests/reliability tests/test_packaging.py

unit: $(VENV)/unit.installed ## Run the unit tests, but for those that start programs
	$(PYTEST) tests $(PROGRAMS:%=--ignore=%) $(ARGS)

programs: $(VENV)/unit.installed ## Run the tests that start programs: the example, the package, scenarios under fire
	$(PYTEST) $(PROGRAMS) $(ARGS)

coverage: $(VENV)/unit.installed ## Run both with branch coverage, which has to be 100 %
	$(PYTEST) tests --cov --cov-report term $(if $(ARGS),,--cov-fail-under 100) $(ARGS)

e2e: $(VENV)/e2e.installed ## Run the end-to-end tests; finds or installs a browser
	$(BIN)/python -m e2e.browser
	$(BIN)/python -m pytest e2e --numprocesses $(WORKERS) $(ARGS)

variants: $(VENV)/unit.installed ## Run the unit tests on sites that are set up otherwise
	scripts/variants $(BIN)/python

torture: $(VENV)/torture.installed ## Run the scenarios of docs/reliability.md at full size, and write that page (SCENARIO=1,27 DATABASES=postgres)
	$(BIN)/python scripts/torture.py $(if $(DATABASES),--databases "$(DATABASES)") $(if $(SCENARIO),--scenario $(SCENARIO)) $(ARGS)

localstripe: $(VENV)/unit.installed ## See whether a server that we did not write understands StripeMoocher (optional)
	scripts/localstripe $(BIN)/python

load: $(VENV)/load.installed ## Let 200 people use and pay on the example site (PostgreSQL; TORTURE=1: a minute)
	@scripts/database postgres
	DATABASE_PASSWORD=$${DATABASE_PASSWORD:-postgres} $(BIN)/python -m load

lint: $(VENV)/lint.installed ## Run all linters
	scripts/lint $(BIN)

format: $(VENV)/lint.installed ## Let the tools mend what they can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	if command -v npm >/dev/null; then npm run --silent format; fi

lock: $(VENV)/lock.installed ## Make the locks anew: the newest releases that the ranges allow
	$(BIN)/python scripts/lock.py
	rm -f package-lock.json
	npm install --package-lock-only --silent --no-audit --no-fund

docs: $(VENV)/docs.installed ## Build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going --nitpicky --quiet --no-color -b html docs docs/_build/html

pictures: ## Draw the pictures of the architecture from their source
	python3 scripts/pictures.py

bench: $(VENV)/bench.installed $(if $(DATABASE),$(VENV)/databases.installed) ## Measure the promises about speed, as a table (DATABASE=postgres or mariadb)
	$(if $(filter postgres mariadb,$(DATABASE)),@scripts/database $(DATABASE) >/dev/null)
	$(if $(filter postgres,$(DATABASE)),DATABASE_PASSWORD=$${DATABASE_PASSWORD:-postgres}) $(BIN)/python -m bench $(ARGS)

messages: $(VENV)/unit.installed ## Collect texts for translators and compile what they wrote (GNU gettext)
	$(BIN)/python scripts/translations.py --write

clean: ## Remove what these commands have made, the example's data too
	rm -rf $(VENV) .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache \
		.ruff_cache build dist docs/_build e2e/output example_project/var node_modules
