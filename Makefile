# Everything is done with `make`; bare `make` says what there is.
# PYTHON=python3.13 chooses the interpreter; a virtual environment made by another version is made anew.

PYTHON ?= python3
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

VENV := .venv
MINISTACK := .venv-ministack
SAM := .venv-sam
SECURITY := .venv-security
LAMBDA := .venv-lambda
LAB := .venv-lab
CONSOLE := .venv-console
STAMP := .stamp-$(PYTHON_VERSION)

# The table of the local stack is MiniStack's, or Dynoxide's: `make demo DATA=dynoxide`, or DATA in the environment.
DYNOXIDE := requirements/dynoxide/node_modules/.stamp
ENGINES := $(MINISTACK)/$(STAMP) $(if $(filter dynoxide,$(DATA)),$(DYNOXIDE))

# A run compiles our files once and keeps that, whatever the shell says: without it each process of the tests does it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run token demo console daily daily-month check test lint types tests tests-quick tests-lab tests-console console-test e2e build deploy code-sha openapi data-model ledger fuzz client-test security \
	model-test mutants faults incident conformance dynoxide bench-contention bench-erasure bench-console bench-units house bench-coldstart bench-attack bench-learning bench-coverage bench-settings \
	check-learner bench-heartsteps lock clean venv

help:  ## say what there is
	@echo "Fettle. Needs Python 3.11 or newer and make; everything else is installed here, on first use."
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-16s %s\n", $$1, $$2 }'

run: $(VENV)/$(STAMP) $(ENGINES)  ## run the local stack on 127.0.0.1, port 3000 (PORT=4000: another; NOW=2026-11-23T08:00:00Z: its clock)
	@exec $(VENV)/bin/python -m local $(if $(filter command line,$(origin NOW)),--now "$(NOW)") $(SET)

token: $(if $(filter command line,$(origin USER)),$(VENV)/$(STAMP))  ## print a bearer token for a user: make token USER=ana
ifeq ($(origin USER),command line)
	@$(VENV)/bin/python -m local token "$$USER"
else
	@echo 'say whose: make token USER=ana' >&2; exit 2
endif

daily: $(if $(filter command line,$(origin DATE)),$(VENV)/$(STAMP))  ## compute a day and print it: make daily DATE=2026-11-22 (in the running stack; TABLE=name: on AWS)
ifeq ($(origin DATE),command line)
	@$(VENV)/bin/python -m operate $(if $(TABLE),--table "$(TABLE)",--local) daily "$(DATE)" $(if $(NOW),--now "$(NOW)") --activities
else
	@echo 'say which day: make daily DATE=2026-11-22' >&2; exit 2
endif

daily-month: $(VENV)/$(STAMP) $(ENGINES)  ## 2,000 people's month against a recount; what the daily job costs
	@exec $(VENV)/bin/python -m lab.proofs.month

demo: $(VENV)/$(STAMP) $(ENGINES)  ## watch simulated people live through weeks with the real handlers (KEEP=1: the stack stays up; PEOPLE=8 a segment, DAYS=30)
	@exec $(VENV)/bin/python -m lab.demo $(SET) $(if $(KEEP),--keep) $(if $(PEOPLE),--people $(PEOPLE)) $(if $(DAYS),--days $(DAYS))

console: $(CONSOLE)/$(STAMP)  ## open the operator's console: of the local stack that runs here (TABLE=name: on AWS; PORT=8502)
	@exec $(CONSOLE)/bin/python -m operate.console $(if $(TABLE),--table "$(TABLE)") $(if $(filter command line,$(origin PORT)),--port "$(PORT)")

# What needs no order runs side by side; each part's words stay together where make can do that (from version 4 on).
TOGETHER = @$(MAKE) --no-print-directory -j $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check: $(VENV)/$(STAMP) $(ENGINES) $(LAB)/$(STAMP)  ## the quick loop: lint, types, tests of rules and functions
	$(TOGETHER) lint types tests-quick

test: $(VENV)/$(STAMP) $(ENGINES) $(LAB)/$(STAMP) $(CONSOLE)/$(STAMP)  ## everything that must hold: lint, types, tests (COVERAGE=1: with branch coverage, as in CI)
	$(TOGETHER) lint types tests tests-lab tests-console

lint: $(VENV)/$(STAMP)  ## ruff: rules and format; import-linter: imports go down only
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/lint-imports --no-logo

# What runs in environments of its own is named there too: mypy needs the packages to know their types.
CONSOLES := $(wildcard operate/console/*.py operate/console/*/*.py operate/console/*/*/*.py lab/bench/console.py tests/console/*.py tests/console_walk/*.py)
LEARNING := $(wildcard $(foreach folder,lab/world lab/learning operate/ope tests/lab_*,$(folder)/*.py) operate/evaluate*.py)

types: $(VENV)/$(STAMP) $(LAB)/$(STAMP) $(CONSOLE)/$(STAMP)  ## mypy, strict
	@$(VENV)/bin/mypy
	@$(LAB)/bin/mypy --cache-dir .mypy_cache/lab $(LEARNING)
	@$(CONSOLE)/bin/mypy --cache-dir .mypy_cache/console $(CONSOLES)

# A file's tests stay in one process, which has one stack for them; the longest files come first (tests/conftest.py). One
# process more than there are processors fills the time in which another waits for its stack; CI has other stages beside.
WORKERS := $(if $(COVERAGE),auto,$(shell expr $$(getconf _NPROCESSORS_ONLN) + 1))
PYTEST = $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

tests: $(VENV)/$(STAMP) $(ENGINES)  ## pytest; all but what `make e2e` and `make tests-lab` run (COVERAGE=1: with branch coverage, at least 95 %)
	@$(PYTEST) $(if $(COVERAGE),--cov) --ignore=tests/e2e

tests-quick: $(VENV)/$(STAMP) $(ENGINES)  ## pytest of rules, functions and stored forms
	@$(PYTEST) tests/core tests/functions tests/forms tests/test_*.py

tests-lab: $(LAB)/$(STAMP)  ## pytest of what runs in the laboratory's environment
	@$(LAB)/bin/python -m pytest --noconftest tests/lab_*

tests-console: $(CONSOLE)/$(STAMP) $(ENGINES)  ## pytest of the console's screens, without a browser
	@$(CONSOLE)/bin/python -m pytest tests/console

console-test: $(CONSOLE)/$(STAMP) $(VENV)/$(STAMP) $(ENGINES)  ## walk through the console in Chromium: a poisoned segment is found and put right (DATA=dynoxide: sooner)
	@$(CONSOLE)/bin/python -m pytest tests/console_walk -x

e2e: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP) $(SAM)/$(STAMP) $(LAMBDA)/$(STAMP)  ## build and deploy to MiniStack, and try it: routes, jobs, roles, updates, removal; and Lambda's own runtime
	@$(VENV)/bin/python -m pytest -p tests.e2e.plugin tests/integration tests/e2e --durations=8

# The template's parameters, for `make run` and `make demo`: PARAMETERS="SessionsPerDay=1000 LearnedPerDay=1000"
SET = $(foreach its,$(PARAMETERS),--set "$(its)")

# `make deploy PARAMETERS="AlarmEmail=ops@example.org Architecture=x86_64" SAM_FLAGS=--guided`
PARAMETERS ?=
OVERRIDES = --parameter-overrides CodeSha256=$$($(VENV)/bin/python -m operate.release sha $(PARAMETERS)) $(PARAMETERS)

build: $(VENV)/$(STAMP) $(SAM)/$(STAMP)  ## build what is deployed, and say how large it is (PARAMETERS="Architecture=x86_64")
	@PYTHON=$(abspath $(VENV))/bin/python $(SAM)/bin/sam build $(if $(PARAMETERS),--parameter-overrides $(PARAMETERS))
	@$(VENV)/bin/python -m operate.release sizes .aws-sam/build

deploy: build  ## deploy it to AWS (PARAMETERS="AlarmEmail=ops@example.org", SAM_FLAGS=--guided): docs/deploy.md
	@$(SAM)/bin/sam deploy $(OVERRIDES) $(SAM_FLAGS)

code-sha: $(VENV)/$(STAMP)  ## print the template's CodeSha256 for a deployment with PARAMETERS
	@$(VENV)/bin/python -m operate.release sha $(PARAMETERS)

openapi: $(VENV)/$(STAMP)  ## write docs/openapi.json from the handlers
	@$(VENV)/bin/python -m local.openapi

ledger: $(VENV)/$(STAMP)  ## enter new catalogue entries in the ledger; refuses when a released one is gone or changed
	@$(VENV)/bin/python -m operate.ledger

data-model: $(VENV)/$(STAMP)  ## write the tables of docs/data-model.md from the field tables
	@$(VENV)/bin/python -m local.data_model

fuzz: $(VENV)/$(STAMP) $(ENGINES) $(SECURITY)/$(STAMP)  ## requests drawn from docs/openapi.json, checked (EXAMPLES=1000: longer; SEED=1)
	@$(VENV)/bin/python -m lab.proofs.fuzz $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED))

security: $(VENV)/$(STAMP) $(SECURITY)/$(STAMP)  ## scan template, pinned packages, code, and files for secrets (COMPLETE=1: no scanner may be out of reach)
	@$(VENV)/bin/python -m lab.security $(if $(COMPLETE),--complete)

CLIENT := clients/typescript

client-test: $(VENV)/$(STAMP) $(ENGINES) $(CLIENT)/node_modules/.stamp  ## a TypeScript client, generated, type-checked and used
	@$(VENV)/bin/python -m pytest $(CLIENT)

$(CLIENT)/node_modules/.stamp: $(CLIENT)/package-lock.json
	@command -v npm >/dev/null || { echo 'client-test needs Node.js 20 or newer with npm' >&2; exit 2; }
	@cd $(CLIENT) && npm ci --loglevel=error
	@touch $@

model-test: $(VENV)/$(STAMP) $(ENGINES)  ## random lives against a reference model, long
	@FETTLE_MODEL_EXAMPLES=$(or $(EXAMPLES),100) $(VENV)/bin/python -m pytest tests/model

mutants: $(VENV)/$(STAMP) $(ENGINES)  ## small changes of the rules, and the share that the unit tests see (SAMPLE=400 SEED=1; docs/mutants.md)
	@exec $(VENV)/bin/python -m lab.proofs.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

faults: $(VENV)/$(STAMP) $(ENGINES)  ## fail every call of every operation in every way, and compare
	@exec $(VENV)/bin/python -m lab.proofs.faults

incident: $(VENV)/$(STAMP) $(ENGINES)  ## six troubles: how soon a light shows each, and that the runbook's commands end it (STORY="stuck learner")
	@exec $(VENV)/bin/python -m lab.proofs.incident $(if $(STORY),--story "$(STORY)")

conformance: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP) $(DYNOXIDE)  ## integration tests and faults on MiniStack and on Dynoxide: do they differ? (EVERY=20: a share of the faults)
	@exec $(VENV)/bin/python -m lab.proofs.conformance $(if $(EVERY),--every "$(EVERY)")

dynoxide: $(DYNOXIDE)  ## install the second DynamoDB, for DATA=dynoxide (needs npm)

$(DYNOXIDE): requirements/dynoxide/package-lock.json
	@command -v npm >/dev/null || { echo 'Dynoxide comes from npm: install Node.js 20 or newer with npm' >&2; exit 2; }
	@cd $(dir $<) && npm ci --loglevel=error
	@touch $@

bench-contention: $(VENV)/$(STAMP) $(ENGINES)  ## many writers on one segment, and the job's drain
	@exec $(VENV)/bin/python -m lab.bench.contention

bench-erasure: $(VENV)/$(STAMP) $(ENGINES)  ## erase sixty users from 20,000 versions, in runs of five seconds that overlap
	@exec $(VENV)/bin/python -m lab.bench.erasure

bench-console: $(CONSOLE)/$(STAMP) $(ENGINES)  ## read units and seconds of the console's screens at a million sessions (SESSIONS=1000000; DATA=dynoxide: MiniStack is too slow for so many)
	@exec $(CONSOLE)/bin/python -m lab.bench.console $(if $(SESSIONS),--sessions $(SESSIONS))

bench-units: $(VENV)/$(STAMP) $(ENGINES)  ## count the DynamoDB units and milliseconds of each request
	@exec $(VENV)/bin/python -m lab.bench.units

house: $(VENV)/$(STAMP) $(ENGINES)  ## how many of our files and frames a request runs through
	@exec $(VENV)/bin/python -m lab.bench.house

bench-coldstart: $(VENV)/$(STAMP) $(SAM)/$(STAMP)  ## time each request handler's init beside a bare client (LAYER=.../python: a built one; TARGET=python3.13; COUNT=1)
	@exec $(VENV)/bin/python -m lab.bench.coldstart $(if $(LAYER),--layer "$(LAYER)") $(if $(TARGET),--python "$(TARGET)") $(if $(COUNT),--count)

bench-attack: $(VENV)/$(STAMP)  ## what one attacker in each segment costs the honest people there (SEEDS=1 DAYS=10 CASES="push hold": less; EXPLORATION=epsilon)
	@exec nice -n 10 $(VENV)/bin/python -m lab.bench.attack $(if $(SEEDS),--seeds $(SEEDS)) $(if $(DAYS),--days $(DAYS)) \
		$(if $(CASES),--cases $(CASES)) $(if $(EXPLORATION),--set exploration=$(EXPLORATION)) $(foreach its,$(SETTINGS),--set "$(its)")

bench-learning: $(LAB)/$(STAMP)  ## Fettle against other learners in simulated worlds (SEEDS=2 EPISODES=2000: less)
	@exec $(LAB)/bin/python -m lab.learning $(if $(SEEDS),--seeds $(SEEDS)) $(if $(EPISODES),--episodes $(EPISODES))

bench-coverage: $(LAB)/$(STAMP)  ## how often the learner's 95 % intervals hold the truth, in simulated worlds (SEEDS=2: less)
	@exec $(LAB)/bin/python -m lab.learning.coverage $(if $(SEEDS),--seeds $(SEEDS))

check-learner: $(LAB)/$(STAMP)  ## two worlds, four seeds: is the learner as good as the comparison on record?
	@exec $(LAB)/bin/python -m lab.learning.check

bench-settings: $(LAB)/$(STAMP)  ## one setting of the learner changed at a time, in the same worlds
	@exec $(LAB)/bin/python -m lab.learning.sweep $(if $(SEEDS),--seeds $(SEEDS)) $(if $(EPISODES),--episodes $(EPISODES))

bench-heartsteps: $(VENV)/$(STAMP)  ## the learner over a real trial, and where effects wear off (docs/learning-heartsteps.md)
	@exec $(VENV)/bin/python -m lab.studies.heartsteps

# CI tests Dynoxide where npm is and has a binary for the machine (local/dynoxide.py); elsewhere those tests are skipped.
DYNOXIDE_HERE := $(if $(and $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),$(shell command -v npm)),$(DYNOXIDE))

venv: $(VENV)/$(STAMP) $(MINISTACK)/$(STAMP) $(SAM)/$(STAMP) $(LAMBDA)/$(STAMP) $(LAB)/$(STAMP) $(CONSOLE)/$(STAMP) $(SECURITY)/$(STAMP) $(DYNOXIDE_HERE)  ## make the virtual environments of CI

# What is installed: exactly these packages. The files are complete, hence --no-deps: an older pip takes a pin of "botocore"
# for none of "botocore[crt]". The first environment is pip's; it has uv, which installs the others in a fraction of the time.
EXACTLY = --quiet --no-deps --require-hashes
INSTALL = $(VENV)/bin/uv pip install $(EXACTLY) --python
EDITABLE = --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .

# $(call environment,FOLDER): an empty virtual environment of this Python.
define environment
	@$(PYTHON) -c 'import sys; sys.exit("Fettle needs Python 3.11 or newer; this is %s: make PYTHON=python3.13" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "$(1): installing (Python $(PYTHON_VERSION))"
	@[ "$$($(1)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(PYTHON_VERSION)" ] \
		|| $(PYTHON) -m venv --clear $(1)
	@rm -f $(1)/.stamp-*
endef

$(VENV)/$(STAMP): requirements/dev.txt pyproject.toml
	$(call environment,$(VENV))
	@$(VENV)/bin/python -m pip install --disable-pip-version-check $(EXACTLY) -r requirements/dev.txt
	@$(VENV)/bin/python -m pip install $(EDITABLE)
	@touch $@

$(MINISTACK)/$(STAMP): requirements/ministack.txt $(VENV)/$(STAMP)
	$(call environment,$(MINISTACK))
	@$(INSTALL) $(MINISTACK)/bin/python -r requirements/ministack.txt
	@touch $@

$(SAM)/$(STAMP): requirements/sam.txt $(VENV)/$(STAMP)
	$(call environment,$(SAM))
	@$(INSTALL) $(SAM)/bin/python -r requirements/sam.txt
	@touch $@

$(SECURITY)/$(STAMP): requirements/security.txt $(VENV)/$(STAMP)
	$(call environment,$(SECURITY))
	@$(INSTALL) $(SECURITY)/bin/python -r requirements/security.txt
	@touch $@

# MiniStack runs the functions with its own Python, and what is built for Lambda's version loads in no other.
$(LAMBDA)/$(STAMP): requirements/lambda.txt infra/build.py $(VENV)/$(STAMP)
	@found=$$($(PYTHON) infra/build.py python); \
	[ -n "$$found" ] || { echo "$(LAMBDA): the deployment test needs Lambda's Python, 3.13, on this machine: install it" \
		"(pyenv, uv or a package), then \`make e2e\` finds it; \`make test\` does without" >&2; exit 1; }; \
	$$found -m venv --clear $(LAMBDA)
	@echo "$(LAMBDA): installing ($$($(LAMBDA)/bin/python -V))"
	@$(INSTALL) $(LAMBDA)/bin/python -r requirements/lambda.txt
	@touch $@

$(LAB)/$(STAMP): requirements/lab.txt pyproject.toml $(VENV)/$(STAMP)
	$(call environment,$(LAB))
	@$(INSTALL) $(LAB)/bin/python -r requirements/lab.txt
	@$(LAB)/bin/python -m pip install $(EDITABLE)
	@touch $@

$(CONSOLE)/$(STAMP): requirements/console.txt pyproject.toml $(VENV)/$(STAMP)
	$(call environment,$(CONSOLE))
	@$(INSTALL) $(CONSOLE)/bin/python -r requirements/console.txt
	@$(CONSOLE)/bin/python -m pip install $(EDITABLE)
	@touch $@

COMPILE = $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate
EVERYWHERE = --universal --python-version 3.11

lock: $(VENV)/$(STAMP)  ## pin every requirement anew
	@$(COMPILE) $(EVERYWHERE) --upgrade --extra dev pyproject.toml -o requirements/dev.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/ministack.in -o requirements/ministack.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade --constraints requirements/ministack.txt requirements/lambda.in \
		-o requirements/lambda.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/sam.in -o requirements/sam.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/security.in -o requirements/security.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade requirements/lab.in -o requirements/lab.txt
	@$(COMPILE) $(EVERYWHERE) --upgrade --constraints requirements/dev.txt requirements/console.in -o requirements/console.txt
	@$(COMPILE) --python-version 3.13 --upgrade pyproject.toml -o layers/rl_core/requirements.txt

clean:  ## remove what was made here: environments, caches, local data and its signing key
	@rm -rf $(VENV) $(MINISTACK) $(SAM) $(LAMBDA) $(LAB) $(CONSOLE) $(SECURITY) .stack .aws-sam build *.egg-info layers/rl_core/*.egg-info
	@rm -rf $(CLIENT)/node_modules $(CLIENT)/build $(dir $(DYNOXIDE))
	@rm -rf .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
