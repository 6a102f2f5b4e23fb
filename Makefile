# `make install` and the others need python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
BIN = .venv/bin
NIGHTLY = $(addprefix tests/outside/,test_openapi.py test_pooler.py test_failover.py test_proxy.py test_rolling.py test_file_uploads.py test_hostile.py) tests/web/test_monitoring.py
# Bytecode is kept: without it every process that a command starts compiles all sources again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: install dev run test coverage nightly mutants bench screenshots lighthouse check lint format types templates architecture security wapiti lock
.DEFAULT_GOAL := install

install: ## Install the environment into .venv and the browser assets
	@$(PYTHON) tools/install.py runtime

dev: ## ... and everything that tests and checks need
	@$(PYTHON) tools/install.py dev

run: install ## Migrate, load the demo school and serve; uses PORT HOST WORKERS DEMO
	@exec $(BIN)/flask serve --end-with-parent

test: dev ## Run every test on all cores; ARGS="-k approve" selects some
	@$(BIN)/pytest -n auto --dist worksteal $(ARGS)

coverage: dev ## Run every test with line and branch coverage; takes twice as long
	@$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term $(ARGS)

nightly: dev ## Run at length what is random: steps, odd JSON calls, kills under load, poolers and standbys
	@TEST_PROFILE=nightly $(BIN)/pytest -n auto --dist worksteal tests/faults tests/sync/test_rebuilding.py tests/sync/test_as_of.py $(NIGHTLY) $(ARGS)

mutants: dev ## Break the code on purpose; fails if tests catch less than 95%; ARGS=word selects some
	@$(BIN)/python -m tests.faults.mutants $(ARGS)

bench: dev ## Measure speed against its targets; ARGS="sqlite 10k poll" narrows the run; ARGS=tabs, writes, validate, repair, reconcile or import runs those benchmarks
	@$(BIN)/python -m tests.bench $(ARGS)

screenshots: dev ## Retake the README's pictures
	@$(BIN)/python -m tests.browser.screenshots

lighthouse: dev ## Score every page with Lighthouse, as on a phone; ARGS selects some
	@$(BIN)/python -m tests.browser.lighthouse $(ARGS)

check: lint format types templates architecture security ## Run all checks

lint: dev
	@$(BIN)/ruff check

format: dev
	@$(BIN)/ruff format --check

types: dev
	@$(BIN)/mypy

templates: dev
	@$(BIN)/djlint --quiet --lint templates lms/demo/stripe/templates

architecture: dev
	@$(BIN)/lint-imports

# The low ones are ruff's S rules already, with their reasons beside the code.
security: dev
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml --severity-level medium lms

wapiti: dev ## Attack a demo with the scanner at WAPITI=path, which docs/security.md says how to install
	@$(BIN)/python -m tests.outside.wapiti $(WAPITI)

lock: ## Lock pyproject.toml and package.json; ARGS=--upgrade renews every pin
	@$(PYTHON) tools/install.py uv
	@$(BIN)/python tools/lock.py $(ARGS)
