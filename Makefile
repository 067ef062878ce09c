# make run, make test and the rest need only make and Python 3.11 or later (with venv).
# What they install stays in .venv; a second run starts at once.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

bin = $(VENV)/bin
# Extras stay in the locks: pip takes `pydantic[email]`, which scim2-models asks for, by hash only when it is named so.
UV_COMPILE = uv pip compile -q --no-strip-extras --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format bench pages lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/.ready-run ## Start the demonstration (ARGS="--port 9000" hands on options)
	@exec $(bin)/yimen demo $(ARGS)

test: $(VENV)/.ready-test ## Run all tests, on both engines (ARGS="-k hotline" narrows)
	$(bin)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(VENV)/.ready-test ## Check layout, style, types and the import rules
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/lint-imports
	$(bin)/mypy
	$(bin)/python -m pytest -q tests/test_house.py

format: $(VENV)/.ready-test ## Lay out the code and mend what can be mended
	$(bin)/ruff check --fix-only .
	$(bin)/ruff format .
	$(bin)/python docs/lines.py

bench: $(VENV)/.ready-test ## Measure (needs no server; see bench/)
	$(bin)/python -m bench $(ARGS)

pages: $(VENV)/.ready-test ## Check every page in every size, language and mode (before a release)
	$(bin)/python -m pytest -n auto -m pages $(ARGS)

lock: ## Resolve the dependencies again (needs uv)
	$(UV_COMPILE) --extra build pyproject.toml -o requirements.lock
	$(UV_COMPILE) --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## Remove what was installed and cached; the data in .yimen stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written last, so an interrupted installation is taken up again.

$(VENV)/.ready-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Yimen needs Python 3.11 or later; this is " + sys.version.split()[0] + \
	  ". Name another with: make PYTHON=python3.12 ...")'
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.ready-run: $(VENV)/.ready-venv requirements.lock pyproject.toml
	@$(call install,requirements.lock)
	@touch $@

# The test lock holds all of the run lock, at the same versions.
$(VENV)/.ready-test: $(VENV)/.ready-venv requirements-dev.lock requirements.lock pyproject.toml
	@$(call install,requirements-dev.lock)
	@touch $(VENV)/.ready-run $@

# $(call install,LOCK): the locked packages, by hash, counted as they come; then this project.
define install
n=0; total=$$(grep -c '^[a-z0-9].*==' $(1)); rm -f $(VENV)/.failed; \
echo "Installing up to $$total packages from $(1) (about a minute, the first time)"; \
{ PYTHONUNBUFFERED=1 $(bin)/python -m pip install --disable-pip-version-check --no-input \
    --progress-bar off --require-hashes -r $(1) || touch $(VENV)/.failed; } | \
while read -r word what rest; do case $$word in \
  Collecting|Processing) n=$$((n + 1)); printf '  %3d  %s\n' $$n "$${what##*/}" ;; \
  Installing) echo "  unpacking them all (this takes a while)" ;; \
  Building) echo "  $$word $$what $$rest" ;; \
esac; done; \
if [ -e $(VENV)/.failed ]; then \
  echo "Installation failed; what pip said stands above. The same command takes it up again." >&2; \
  exit 1; \
fi; \
$(bin)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
endef
