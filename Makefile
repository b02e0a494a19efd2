# `make run` starts Sayso with the demo data; `make test` and `make check` are what must pass.
# All of it lives in .venv: nothing is installed anywhere else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet

# Without the compiled files each start reads all sources anew, and pytest rewrites every test.
unexport PYTHONDONTWRITEBYTECODE

.SILENT:
.DELETE_ON_ERROR:
.PHONY: help run test check quick coverage coverage-of-spec bench lock clean

help:
	echo "make run     start Sayso with the demo data"
	echo "make test    run the tests (make test ARGS='-k calendar' runs some)"
	echo "make check   lint, format and types"
	echo "make quick   check, and the tests of parts on SQLite: under two minutes"
	echo "make coverage   all tests on SQLite, and how much of the code they reach"
	echo "make bench   measure speed"
	echo "make coverage-of-spec   which rows of the feature table have no scenario"
	echo "make lock    renew constraints.txt with the newest versions allowed"
	echo "make clean   remove .venv and what the tools left behind; data is kept"

run: $(VENV)/.run
	exec $(BIN)/sayso serve --demo $(ARGS)

# The browser tests come by themselves: two processes at once would each want a browser.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser" $(ARGS) || test $$? -eq 5
	$(BIN)/python -m pytest -m browser $(ARGS) || test $$? -eq 5

check: $(VENV)/.check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

quick: check
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser and not slow" -k "not postgres" \
		tests/engine tests/server tests/test_house.py $(ARGS)

coverage: $(VENV)/.test
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 2 --dist worksteal \
		-m "not browser" -k "not postgres" $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	echo "Coverage of engine and server, lines and branches: $$($(BIN)/python -m coverage report --format=total) %"

coverage-of-spec: $(VENV)/.test
	$(BIN)/python -m tests.coverage_of_spec

bench: $(VENV)/.test
	$(BIN)/python -m bench $(ARGS)

# What each purpose needs. A stamp is newer than the two files as long as the installation is current.
$(VENV)/.run: EXTRAS :=
$(VENV)/.test: EXTRAS := [test]
$(VENV)/.check: EXTRAS := [test,check]

$(VENV)/.run $(VENV)/.test $(VENV)/.check: pyproject.toml constraints.txt | $(BIN)/python
	echo "Installing what Sayso$(EXTRAS) needs (some minutes the first time)"
	$(PIP) -c constraints.txt -e '.$(EXTRAS)'
	$(PIP) -c constraints.txt --only-binary plutoprint plutoprint || \
		echo "There is no PlutoPrint for this machine: no PDFs, all else works (docs/decisions/pdf.md)" >&2
	touch $@

$(BIN)/python:
	command -v $(PYTHON) >/dev/null || { \
		echo "There is no $(PYTHON). Install Python 3.11 or newer." >&2; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Sayso needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V)." >&2; \
		echo "Name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	echo "Making $(VENV)"
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make virtual environments: install its venv package" >&2; \
		echo "(python3-venv on Debian and Ubuntu)." >&2; exit 1; }

# The versions are those of an environment made for the purpose, so that none is kept by habit.
# async-timeout is named because redis wants it on Python before 3.11.3 alone (Debian 12 has 3.11.2).
lock: | $(BIN)/python
	echo "Finding the newest versions that pyproject.toml allows"
	rm -rf $(VENV)/lock
	$(BIN)/python -m venv $(VENV)/lock
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(VENV)/lock/bin/python -m pip install --quiet -e '.[pdf,test,check]' async-timeout
	{ grep '^#' constraints.txt; $(VENV)/lock/bin/python -m pip freeze --exclude-editable \
		| grep -E '^[A-Za-z0-9._-]+==[^ ]+$$'; } > $(VENV)/lock/constraints.txt
	mv $(VENV)/lock/constraints.txt constraints.txt
	rm -rf $(VENV)/lock
	echo "constraints.txt is renewed: run make check and make test before you commit it"

clean:
	rm -rf $(VENV) .venv-newest *.egg-info build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache test-results
	find engine server prompts tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
