# `make install` and the others need python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
BIN = .venv/bin
# Bytecode is kept: without it every process that a command starts compiles all sources again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: install dev run test coverage nightly mutants bench screenshots lighthouse check lint format types templates architecture security lock
.DEFAULT_GOAL := install

install: ## The environment in .venv and the browser assets
	@$(PYTHON) tools/install.py runtime

dev: ## ... and what tests and checks need
	@$(PYTHON) tools/install.py dev

run: install ## Migrate, load the demo school, serve; honours PORT HOST WORKERS DEMO
	@exec $(BIN)/flask serve --end-with-parent

test: dev ## Every test, on all cores; ARGS="-k approve" narrows
	@$(BIN)/pytest -n auto --dist worksteal $(ARGS)

coverage: dev ## The same with lines and branches counted, which takes twice as long
	@$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term $(ARGS)

nightly: dev ## The random tests, ten times as long: histories, state machines on both engines
	@TEST_PROFILE=nightly $(BIN)/pytest -n auto tests/faults $(ARGS)

mutants: dev ## Break the verbs on purpose; fails when tests notice less than 95 %; ARGS=word narrows
	@$(BIN)/python -m tests.faults.mutants $(ARGS)

bench: dev ## Ratios against floors measured in the same run; ARGS=validate and ARGS=repair are big
	@$(BIN)/python -m tests.bench $(ARGS)

screenshots: dev ## The README's pictures, taken anew
	@$(BIN)/python -m tests.browser.screenshots

lighthouse: dev ## Lighthouse's scores of every page, as on a telephone; ARGS narrows
	@$(BIN)/python -m tests.browser.lighthouse $(ARGS)

check: lint format types templates architecture security ## All of these

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

lock: ## Locks from pyproject.toml and package.json; ARGS=--upgrade renews every pin
	@$(PYTHON) tools/install.py uv
	@$(BIN)/python tools/lock.py $(ARGS)
