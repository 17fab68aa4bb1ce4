# Everything is done with `make`; bare `make` says what there is.
# PYTHON=python3.13 chooses the interpreter; a virtual environment made by another version is made anew.

PYTHON ?= python3
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

VENV := .venv
MINISTACK := .venv-ministack
SAM := .venv-sam
LAB := .venv-lab
STAMP := .stamp-$(PYTHON_VERSION)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run token demo test lint types tests openapi model-test faults bench-contention bench-units bench-learning bench-settings
.PHONY: bench-heartsteps lock clean venv

help:  ## say what there is
	@echo "Fettle. Needs Python 3.11 or newer and make; everything else is installed here, on first use."
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP)  ## run the local stack on 127.0.0.1, port 3000 (PORT=4000: another; NOW=2026-11-23T08:00:00Z: its clock)
	@exec $(VENV)/bin/python -m local $(if $(filter command line,$(origin NOW)),--now "$(NOW)")

token: $(if $(filter command line,$(origin USER)),$(VENV)/$(STAMP))  ## print a bearer token for a user: make token USER=ana
ifeq ($(origin USER),command line)
	@$(VENV)/bin/python -m local token "$$USER"
else
	@echo 'say whose: make token USER=ana' >&2; exit 2
endif

demo: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP)  ## watch simulated people live through weeks with the real handlers
	@exec $(VENV)/bin/python -m lab.demo

test: lint types tests  ## everything that must hold: lint, types, tests

lint: $(VENV)/$(STAMP)  ## ruff: rules and format
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check

# What runs in the laboratory's environment is named there too: mypy needs the packages to know their types.
LEARNING := $(wildcard $(foreach folder,lab/world lab/learning lab/ope tests/lab_*,$(folder)/*.py) lab/evaluate*.py)

types: $(VENV)/$(STAMP) $(LAB)/$(STAMP)  ## mypy, strict
	@$(VENV)/bin/mypy
	@$(LAB)/bin/mypy --cache-dir .mypy_cache/lab $(LEARNING)

tests: venv  ## pytest with branch coverage
	@$(VENV)/bin/python -m pytest --cov -n 2 --dist loadfile
	@$(LAB)/bin/python -m pytest --noconftest tests/lab_*

openapi: $(VENV)/$(STAMP)  ## write docs/openapi.json from the handlers
	@$(VENV)/bin/python -m local.openapi

model-test: $(VENV)/$(STAMP)  ## random lives against a reference model, long
	@FETTLE_MODEL_EXAMPLES=$(or $(EXAMPLES),100) $(VENV)/bin/python -m pytest tests/model

faults: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP)  ## fail every call of every operation in every way, and compare
	@exec $(VENV)/bin/python -m lab.faults

bench-contention: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP)  ## many writers on one segment, and the job's drain
	@exec $(VENV)/bin/python -m lab.bench_contention

bench-units: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP)  ## count the DynamoDB units and milliseconds of each request
	@exec $(VENV)/bin/python -m lab.bench_units

bench-learning: $(LAB)/$(STAMP)  ## Fettle against other learners in simulated worlds (SEEDS=2 EPISODES=2000: less)
	@exec $(LAB)/bin/python -m lab.learning $(if $(SEEDS),--seeds $(SEEDS)) $(if $(EPISODES),--episodes $(EPISODES))

bench-settings: $(LAB)/$(STAMP)  ## one setting of the learner changed at a time, in the same worlds
	@exec $(LAB)/bin/python -m lab.learning.sweep $(if $(SEEDS),--seeds $(SEEDS)) $(if $(EPISODES),--episodes $(EPISODES))

bench-heartsteps: $(VENV)/$(STAMP)  ## the learner over a real trial, and where effects wear off (docs/learning-heartsteps.md)
	@exec $(VENV)/bin/python -m lab.heartsteps

venv: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP) $(SAM)/$(STAMP) $(LAB)/$(STAMP)  ## make the four virtual environments

PIP = --quiet --disable-pip-version-check install

# $(call environment,FOLDER,REQUIREMENTS): a virtual environment of this Python with exactly these packages. The files are
# complete, hence --no-deps: an older pip takes a pin of "botocore" for none of "botocore[crt]".
define environment
	@$(PYTHON) -c 'import sys; sys.exit("Fettle needs Python 3.11 or newer; this is %s: make PYTHON=python3.13" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "$(1): installing (Python $(PYTHON_VERSION))"
	@[ "$$($(1)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(PYTHON_VERSION)" ] \
		|| $(PYTHON) -m venv --clear $(1)
	@rm -f $(1)/.stamp-*
	@$(1)/bin/python -m pip $(PIP) --no-deps --require-hashes -r $(2)
endef

$(VENV)/$(STAMP): requirements/dev.txt pyproject.toml
	$(call environment,$(VENV),requirements/dev.txt)
	@$(VENV)/bin/python -m pip $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(MINISTACK)/$(STAMP): requirements/ministack.txt
	$(call environment,$(MINISTACK),requirements/ministack.txt)
	@touch $@

$(SAM)/$(STAMP): requirements/sam.txt
	$(call environment,$(SAM),requirements/sam.txt)
	@touch $@

$(LAB)/$(STAMP): requirements/lab.txt pyproject.toml
	$(call environment,$(LAB),requirements/lab.txt)
	@$(LAB)/bin/python -m pip $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

COMPILE = $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate
EVERYWHERE = --universal --python-version 3.11

lock: $(VENV)/$(STAMP)  ## pin every requirement anew
	@$(COMPILE) $(EVERYWHERE) --upgrade --extra dev pyproject.toml -o requirements/dev.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/ministack.in -o requirements/ministack.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/sam.in -o requirements/sam.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/lab.in -o requirements/lab.txt
	@$(COMPILE) --python-version 3.13 --upgrade pyproject.toml -o layers/rl_core/requirements.txt

clean:  ## remove what was made here: environments, caches, local data and its signing key
	@rm -rf $(VENV) $(MINISTACK) $(SAM) $(LAB) .stack .aws-sam build *.egg-info layers/rl_core/*.egg-info
	@rm -rf .coverage* .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
