# make run    environment, then the bot: the playground without BOT_TOKEN, Telegram with it
# make test   environment, then the test suite
# make check  everything CI holds the code to, without the tests
#
# VENV=path      where the environment lives (default .venv)
# EXTRAS=        auto (default: diffusion where nvidia-smi answers), diffusion, none
# ARGS=          further arguments, for example: make run ARGS=--fresh, make test ARGS="-k queue"

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= auto
ARGS ?=

BIN := $(VENV)/bin
LOCKS := requirements/constraints.txt requirements/constraints-diffusion.txt
ifeq ($(EXTRAS),auto)
extras := $(shell nvidia-smi -L >/dev/null 2>&1 && echo diffusion)
else ifeq ($(EXTRAS),none)
extras :=
else
extras := $(EXTRAS)
endif
comma := ,
run_extras := $(if $(extras),[$(extras)])
dev_extras := [dev$(if $(extras),$(comma)dev-diffusion$(comma)$(extras))]
run_stamp := $(VENV)/.ready-run$(if $(extras),-$(extras))
dev_stamp := $(VENV)/.ready-dev$(if $(extras),-$(extras))

.PHONY: run test check check-environment format clean

run: $(run_stamp)
	exec $(BIN)/python -m bot $(ARGS)

test: $(dev_stamp)
	$(BIN)/python -m pytest $(ARGS)

check-environment: $(dev_stamp)
	$(BIN)/python -m pip check

check: $(dev_stamp)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/interrogate --quiet bot generation storage locales
	$(BIN)/lint-imports
	$(BIN)/codespell .

format: $(dev_stamp)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A Python without ensurepip leaves an environment without pip behind, which no later run could mend: start it over.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Wordbrush needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "cannot make an environment: on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	@touch $@

$(run_stamp): $(VENV)/.python pyproject.toml $(LOCKS)
	@echo "building the environment in $(VENV), about a minute ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(LOCKS:%=-c %) -e '.$(run_extras)'
	@touch $@

$(dev_stamp): $(VENV)/.python pyproject.toml $(LOCKS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(LOCKS:%=-c %) -e '.$(dev_extras)'
	@touch $@

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
