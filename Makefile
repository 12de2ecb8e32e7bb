.DEFAULT_GOAL := help
.PHONY: up test test-slow test-fast nightly check bench help environment
python := .venv/bin/python

# Killing make kills what it started, as if there were no make in between.
up: ## Start everything on this machine: PostgreSQL, Temporal, web process, worker. Ctrl-C stops it
	@sh deploy/environment.sh && exec $(python) -I -S services/runtime/stack/die_with_parent.py $$PPID SIGKILL - $(python) -m services.run up

# All of them share the cores; a few are not worth the start of a second process. Compiled tests are kept: to rewrite
# the asserts of every file costs each process as long as five hundred tests.
# Tests wait as much as they compute, so that there are two processes for each core; eight fill the memory of a laptop.
processes := -n $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN)))) --maxprocesses 8
pytest := env -u PYTHONDONTWRITEBYTECODE $(python) -m pytest --durations=20

test: environment ## Run the tests but the slow ones (PYTEST="-k name" narrows them)
	@exec $(pytest) -m 'not slow' $(or $(PYTEST),$(processes))

test-slow: environment ## Run the tests that kill processes, deploy roles apart or drive long journeys
	@exec $(pytest) -m slow $(or $(PYTEST),-n logical)

test-fast: environment ## Run the pure tests, without any server
	@exec $(pytest) $(or $(PYTEST),-n logical tests/unit tests/reference tests/architecture)

nightly: environment ## Live 10,000 random lives against the slow reference, 50 steps each (a quarter of an hour)
	@exec env BIHUAN_NIGHTLY=1 $(python) -m pytest tests/unit/workflow/test_model.py $(PYTEST)

check: environment ## Lint, types, import rules, migrations, generated documents
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	.venv/bin/lint-imports
	$(python) -m deptry .
	.venv/bin/djlint --quiet --lint services
	.venv/bin/yamllint --strict deploy services
	.venv/bin/hadolint deploy/Dockerfile
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(python) -m services.run migrate --check
	$(python) -m services.run settings-table --check docs/settings.md
	$(python) -m services.run openapi --check docs/openapi.json

bench: environment ## Print the figures of this machine
	@exec $(python) -m tests.bench

help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1	/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-9s %s\n", $$1, $$2 }'

environment:
	@sh deploy/environment.sh dev
