# First use makes .venv from the hashed locks in requirements/; nothing is installed outside this folder.
# Needed beforehand: Python 3.11 or newer that can make virtual environments (Debian: apt-get install python3-venv make).

PYTHON := .venv/bin/python
SHELL := /bin/sh
# Everything that a test can depend on; a test run older than any of it does not count.
SOURCES = pyproject.toml $(shell find app bench demo docs migrations openapi requirements tests \
    -type f -not -path '*/__pycache__/*' -not -name '* *' 2>/dev/null)
# Extras stay in the pins: pip looks for the newest release of a requirement with an extra that is pinned without.
LOCK = uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --no-annotate $(ARGS)
WITHIN = $(LOCK) --constraint requirements/bench.txt

.PHONY: help demo test fuzz check bench torture lock migration \
    install-demo install-dev install-bench \
    check-format check-lint check-types check-architecture check-unused check-dependencies check-openapi check-tests

help:
	@echo 'make demo       the whole story on this machine, then http://localhost:8000  (ARGS=--once: only the story)'
	@echo 'make test       all tests, on SQLite and on PostgreSQL                       (ARGS="-k words": some of them)'
	@echo 'make check      everything that must hold before a change goes in'
	@echo 'make fuzz       ten times the generated input for parsers and API             (ARGS="-k words": some of it)'
	@echo 'make bench      speed, as ratios                                             (ARGS=--quick: in minutes)'
	@echo 'make torture    reliability under kill -9, full disks and bad networks       (ARGS=--quick: in minutes)'
	@echo 'make migration  the next revision of the tables, from the models             (MESSAGE="What changes")'
	@echo 'make lock       the locks of requirements/, from pyproject.toml              (ARGS=--upgrade: newest versions)'

install-demo install-dev install-bench: install-%:
	@requirements/install $*

demo: install-demo
	$(PYTHON) -m demo $(ARGS)

# Only a full run measures coverage and is remembered for `make check`.
test: install-dev
	@mkdir -p build
	$(PYTHON) -m pytest -n auto --dist worksteal $(or $(ARGS),--cov --cov-report= --cov-fail-under=0)
	$(if $(ARGS),,@touch build/tested)

# Everything that draws its input: properties, parsers, and the API from its description.
fuzz: install-dev
	$(PYTHON) -m pytest -n auto --dist worksteal --hypothesis-profile=long -m hypothesis $(ARGS)

check: check-format check-lint check-types check-architecture check-unused check-dependencies check-openapi check-tests

check-format: install-dev
	$(PYTHON) -m ruff format --check .

check-lint: install-dev
	$(PYTHON) -m ruff check .

check-types: install-dev
	$(PYTHON) -m mypy

check-architecture: install-dev
	.venv/bin/lint-imports

# Fields of models and members of enumerations look unused to vulture; 3 is its "found something".
check-unused: install-dev
	@mkdir -p build
	$(PYTHON) -m vulture >build/unused || [ $$? -eq 3 ]
	! grep -Ev 'unused (variable|attribute)' build/unused

check-dependencies: install-dev
	$(PYTHON) -m deptry .

check-openapi: install-dev
	.venv/bin/lerarenkaart openapi --check
	$(PYTHON) -m openapi_spec_validator openapi/openapi.json

# Runs the tests only when something changed since they last passed.
check-tests: build/tested
	$(PYTHON) -m coverage report

build/tested: $(SOURCES)
	@$(MAKE) test ARGS=

bench: install-bench
	$(PYTHON) -m bench $(ARGS)

torture: install-bench
	$(PYTHON) -m bench.torture $(ARGS)

# The smaller locks follow the largest, so that one .venv can serve them all.
lock:
	@command -v uv >/dev/null || { echo 'make lock needs uv (pip install uv)' >&2; exit 1; }
	$(LOCK) -o requirements/bench.txt pyproject.toml requirements/build.in --extra demo --extra dev --extra bench
	$(WITHIN) -o requirements/dev.txt pyproject.toml requirements/build.in --extra demo --extra dev
	$(WITHIN) -o requirements/demo.txt pyproject.toml requirements/build.in --extra demo
	$(WITHIN) -o requirements/runtime.txt pyproject.toml
	$(WITHIN) -o requirements/build.txt requirements/build.in

migration: install-dev
	@test -n '$(MESSAGE)' || { echo 'say what changes: make migration MESSAGE="Tills have a place"' >&2; exit 1; }
	@mkdir -p build && rm -f build/revision.sqlite3*
	LERARENKAART_DATABASE_URL=sqlite:///build/revision.sqlite3 $(PYTHON) -m alembic upgrade head
	LERARENKAART_DATABASE_URL=sqlite:///build/revision.sqlite3 $(PYTHON) -m alembic revision --autogenerate -m '$(MESSAGE)'
	$(PYTHON) -m ruff format --quiet migrations
	$(PYTHON) -m ruff check --quiet --fix migrations
