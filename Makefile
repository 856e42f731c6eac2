PYTHON ?= python3
BIN := .venv/bin

.PHONY: sweep test test-slow check docs gpu tools

sweep: .venv/ready  ## the first study on the embedded data
	$(BIN)/study launch sigma_sweep

test: .venv/ready tools  ## the whole test suite
	$(BIN)/python -m pytest -rs -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-slow: .venv/ready  ## what takes minutes
	$(BIN)/python -m pytest -rs -m slow -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/ready  ## style, types and tests
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python -m pytest -rs -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

gpu:  ## what a GPU computes beside a CPU, and how fast; needs torch there, neither Ray nor MLflow nor a network
	$(or $(wildcard $(BIN)/python),$(PYTHON)) -m benchmarks.gpu --output gpu.json

docs: .venv/ready  ## the documentation's site, in build/docs; a warning is an error
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	$(BIN)/python -m sphinx -q -W --keep-going docs build/docs

tools:  ## a browser and a TeX, which only tests need; with apt, where it may
	sh .ci/tools

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@
