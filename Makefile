# Everything here needs only Python 3.10-3.14 and a package index that pip can reach.
# `make help` says what there is. PYTHON=... picks the interpreter, PYTEST_ARGS=... narrows the tests.

PYTHON ?=
BENCH_ARGS ?= all
PYTEST_ARGS ?= -n auto --dist loadfile --no-loadscope-reorder

VENV := .venv
# Environments for what clashes with the tap's own dependencies, or is needed for one purpose only.
TARGET_VENVS := .venv-target-jsonl .venv-targets
AIRBYTE_VENV := .venv-airbyte
ifeq ($(OS),Windows_NT)
BIN_FOLDER := Scripts
else
BIN_FOLDER := bin
endif
BIN := $(VENV)/$(BIN_FOLDER)
AIRBYTE_BIN := $(AIRBYTE_VENV)/$(BIN_FOLDER)

# The user's pip configuration counts (index, proxy, certificates), but not a wish to install outside the environment.
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test soak airbyte lint format package docs examples bench lock clean

help:  ## show this list
	@echo "make <target>, where <target> is one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)$$/\1	\2/p' Makefile | while IFS='	' read -r name text; do \
		printf '  %-9s %s\n' "$$name" "$$text"; done

setup: $(VENV)/installed  ## make the environment that most targets use (they do it themselves)

demo: .venv-demo/installed  ## load a fake Kapture account into DuckDB with Meltano, move it on a day, load again
	@.venv-demo/$(BIN_FOLDER)/python demo/run.py

test: $(VENV)/installed $(TARGET_VENVS:=/installed)  ## run all tests; the tap's coverage must stay at 95 % or more
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

soak: $(VENV)/installed $(TARGET_VENVS:=/installed)  ## repeat at length what `make test` shows once: storms, kills, half years, many examples
	$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile soak $(PYTEST_ARGS)

airbyte: $(VENV)/installed $(AIRBYTE_VENV)/installed  ## let PyAirbyte load a fake account, and Airbyte's own suite look at the source
	$(BIN)/python -m pytest acceptance

lint: $(VENV)/installed  ## check style, types, imports, Meltano project, workflows and image; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.meltano meltano.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet --persona=pedantic .github
	$(BIN)/hadolint Dockerfile

format: $(VENV)/installed  ## let ruff tidy the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

package: $(VENV)/installed  ## build sdist and wheel into dist/ and check them
	@rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

docs: .venv-docs/installed  ## make the site of docs/ in site/; a link that leads nowhere is an error
	@NO_MKDOCS_2_WARNING=1 .venv-docs/$(BIN_FOLDER)/mkdocs build --strict --quiet

examples: $(VENV)/installed .venv-dagster/installed  ## run the examples, against the fake account
	.venv-dagster/$(BIN_FOLDER)/python -m pytest --rootdir examples -c examples/pytest.ini examples $(EXAMPLE_ARGS)

bench: $(VENV)/installed .venv-dlt/installed  ## measure the tap's speed and memory
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

# --- dependencies ---------------------------------------------------------------------------------

UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-emit-index-url \
	--custom-compile-command "make lock" $(LOCK_ARGS)

lock: $(VENV)/installed  ## choose new versions for requirements/*.txt (LOCK_ARGS="--upgrade" for the newest)
	$(UV_COMPILE) --generate-hashes -o requirements/dev.txt pyproject.toml requirements/dev.in
	$(UV_COMPILE) -c requirements/dev.txt -o requirements/tap.txt pyproject.toml
	$(UV_COMPILE) -c requirements/dev.txt -o requirements/target-duckdb.txt requirements/target-duckdb.in
	$(UV_COMPILE) -c requirements/dev.txt --generate-hashes -o requirements/target-postgres.txt requirements/target-postgres.in
	for name in target-jsonl targets docs dagster release; do \
		$(UV_COMPILE) --generate-hashes -o requirements/$$name.txt requirements/$$name.in || exit; done
	for name in demo dlt; do \
		$(UV_COMPILE) -c requirements/dev.txt --generate-hashes -o requirements/$$name.txt requirements/$$name.in || exit; done
	$(UV_COMPILE) --generate-hashes --no-strip-extras -o requirements/airbyte.txt requirements/airbyte.in

$(VENV)/requirements: requirements/dev.txt
	@python=$$(sh scripts/find-python.sh $(PYTHON)) && \
		echo "Making $(VENV) with $$("$$python" --version): the tap, Meltano, targets and tools (about a minute) ..." && \
		"$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/installed: $(VENV)/requirements pyproject.toml loaders/target-duckdb-exact/pyproject.toml
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e . -e loaders/target-duckdb-exact
	@touch $@

.venv-%/installed: requirements/%.txt requirements/%.in
	@python=$$(sh scripts/find-python.sh $(PYTHON)) && \
		echo "Making .venv-$*: $$(sed -n '1s/^# *//p' requirements/$*.in)" && \
		"$$python" -m venv --clear .venv-$*
	@sh scripts/with-dots.sh .venv-$*/$(BIN_FOLDER)/python -m pip install -q --require-hashes --no-deps -r requirements/$*.txt
	@touch $@

$(AIRBYTE_VENV)/installed: requirements/airbyte.txt
	@python=$$(sh scripts/find-python.sh "$(PYTHON)" 12) && \
		echo "Making $(AIRBYTE_VENV): PyAirbyte and Airbyte's kit, 200 packages (two minutes) ..." && \
		"$$python" -m venv --clear $(AIRBYTE_VENV)
	@$(AIRBYTE_BIN)/python -m pip install -qq --require-hashes -r requirements/airbyte.txt
	@touch $@

clean:  ## remove environments, caches and builds; Meltano's state and your output/ stay
	rm -rf $(VENV) .venv-* demo/output build dist site *.egg-info
	rm -rf .meltano/extractors .meltano/loaders .meltano/logs .meltano/run
	rm -rf .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
