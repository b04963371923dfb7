# Two commands matter: `make run` starts a centre on this machine, `make test` proves it.
# Everything is installed into .venv; nothing else on the machine is touched, except that `make test` gets
# Chromium by apt where there is none and it may (NO_APT=1 turns that off).

PYTHON ?= python3
ARGS ?=
RUN = .venv/bin/python
CODE = config skills queues router agents_ui tests benchmarks .ci
LOCK = .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)

# Each role is a Python process of its own. Where keeping bytecode is forbidden (many containers do so to keep
# trees clean), every one would compile everything anew, which is half of its start: it is kept in .venv then.
ifdef PYTHONDONTWRITEBYTECODE
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.venv/bytecode
endif

.DEFAULT_GOAL := help
.PHONY: help run run-two test test-long lint bench deps-system lock clean setup-run setup-test

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

run: setup-run ## start everything with demo contacts; Ctrl-C stops it
	@exec $(RUN) -m agents_ui.cli up --demo $(ARGS)

run-two: setup-run ## start two whole sites that stand in for each other; Ctrl-C stops both
	@exec $(RUN) -m agents_ui.cli two $(ARGS)

test: setup-test ## everything a change has to pass
	@$(RUN) .ci/tests.py $(ARGS)

test-long: setup-test ## also the tests that take many minutes (three hours); ARGS=tests/sites for some of them
	@$(RUN) .ci/long.py $(ARGS)

lint: setup-test ## style, format, types
	@$(RUN) -m ruff check $(CODE)
	@$(RUN) -m ruff format --check $(CODE)
	@$(RUN) -m mypy

bench: setup-test ## measure; writes benchmarks/RESULTS.md and results.json (about 12 minutes)
	@$(RUN) -m benchmarks $(ARGS)

deps-system: ## what tests need from the system, by apt (asks for root)
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-venv chromium fonts-noto-core sip-tester

lock: setup-run ## renew both lock files; UPGRADE=--upgrade takes newer versions
	printf 'setuptools>=77\nuv>=0.9\n' | $(LOCK) -o requirements.lock pyproject.toml -
	$(LOCK) --all-extras -c requirements.lock -o requirements-test.lock pyproject.toml

clean: ## remove the environment and caches; the data in ./var stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run setup-test: setup-%:
	@command -v $(PYTHON) >/dev/null || { echo "muster: no $(PYTHON) here. Type: sudo apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "muster: $$($(PYTHON) --version) is too old, 3.11 is needed. Name a newer one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) .ci/setup.py $*
