# Needs Python 3.10–3.12, a JDK 17 or newer, and make. Everything else is installed into .venv and ~/.cache/headrace.
# ARGS is passed to the command of a target: make demo ARGS="-o json", make test ARGS="-k fork".
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
UV := 0.13.9

.PHONY: demo test check wheel lock clean

demo: $(READY)
	@$(BIN)/python -m demo $(ARGS)

test: $(READY)
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/headrace check

# Builds dist/headrace-*.whl with the JVM module compiled here: to install it, no clone is needed.
wheel: $(READY)
	$(BIN)/python -m headrace.stack.machinery build/machinery
	rm -rf build/lib build/bdist.* dist
	$(BIN)/pip wheel -q --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

# Run this after changing versions in pyproject.toml or jars/*.yaml: it recreates both locks from scratch. Use the
# oldest supported Python (make lock PYTHON=python3.10): some versions do not exist for it.
lock: $(READY)
	$(BIN)/headrace stack lock
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install -e '.[dev]'
	build/lock/bin/pip freeze --all --exclude-editable --exclude pip > build/versions
	build/lock/bin/pip install uv==$(UV)
	build/lock/bin/uv pip compile -q --no-deps --generate-hashes --no-annotate --no-header -o requirements.lock build/versions
	rm -rf build/lock

clean:
	if [ -x $(BIN)/headrace ]; then $(BIN)/headrace stack down; fi
	rm -rf .venv .headrace build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 12) else \
	  f"Python 3.10 to 3.12 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.12")'
	[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
