# Every target sets up what it needs first. `make help` lists them.
# Settings: TORCH=cuda (CUDA build of torch), RUNNER=process|docker, PRESET=small|full, JOBS=N, STAGES="...",
# BASE_IMAGE=name (registry image to build on), PYTHON=python3.x; of bench: ONLY="...", QUICK=1;
# of test: TESTS="tests/fusion ..." (folders or files), MARK="not slow" (pytest's -m)

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
BIN := $(VENV)/bin
TORCH ?= auto
RUNNER ?= auto
PRESET ?=
JOBS ?=
GATE ?=
MARK ?=
TESTS ?=
PYTHON ?=
BASE_IMAGE ?=
export MYOREPRO_BASE_IMAGE := $(BASE_IMAGE)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

STAMP := $(VENV)/.installed-$(TORCH)
BENCH_STAMP := $(VENV)/.installed-bench
OPTIONS := $(if $(PRESET),--preset $(PRESET)) $(if $(JOBS),--jobs $(JOBS))
STAGES ?= $(notdir $(patsubst %/stage.toml,%,$(wildcard containers/*/stage.toml containers/*/*/stage.toml)))
# Their models are mounted, and none is here: `myorepro stage check mrsegmentator --input weights=FOLDER`.
NEED_WEIGHTS := mrsegmentator
LOCKS := requirements/host.lock requirements/torch-cpu.lock requirements/torch-cuda.lock
DRY := --dry-run --require-hashes --only-binary :all: --target build/none
IMAGE := --python-version 3.11 --python-platform x86_64-manylinux_2_28
INSTALL := $(BIN)/python requirements/install.py --torch $(TORCH)

# Training frees and takes the same large blocks at every step: keep them, and let waiting threads sleep.
QUIET := OMP_WAIT_POLICY=PASSIVE MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184

.DELETE_ON_ERROR:
.PHONY: help venv reproduce real-data-check test lint images check gate train train-spine bench lock lock-check clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name line; do \
	  printf '  make %-15s %s\n' "$$name" "$$line"; done

venv: $(STAMP) ## make .venv from the hashed lock (TORCH=cuda for the CUDA build of torch)

# The first Python of 3.11 to 3.13 that can make a virtual environment.
$(BIN)/python:
	@[ "$$(uname -sm)" = "Linux x86_64" ] || { echo "make: this is $$(uname -sm); the locks are for Linux x86_64" >&2; exit 3; }
	@for p in $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3); do \
	  if "$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	    echo "venv: $$("$$p" --version) in $(VENV)"; exec "$$p" -m venv $(VENV); \
	  fi; \
	done; \
	echo "make: no Python 3.11, 3.12 or 3.13 with venv; on Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 3

$(STAMP): $(LOCKS) requirements/install.py pyproject.toml | $(BIN)/python
	@echo "venv: installing the locked packages (TORCH=$(TORCH))"
	@$(INSTALL)
	@touch $@

$(BENCH_STAMP): requirements/bench.lock $(STAMP)
	@$(INSTALL) --bench
	@touch $@

reproduce: $(STAMP) ## run every case, judge the claims, write report/index.html (with containers where an engine answers)
	$(BIN)/myorepro reproduce --runner $(RUNNER) $(OPTIONS)

test: $(STAMP) ## run the tests, one process a core; the last lines say what was skipped and what it needs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(if $(JOBS),$(JOBS),auto) --dist loadscope $(if $(MARK),-m "$(MARK)") $(TESTS)

lint: $(STAMP) ## ruff, mypy and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

images: $(STAMP) ## build the images that changed; print size and time
	$(BIN)/myorepro images build $(STAGES)

check: images ## conformance test of every stage image, two at a time
	printf '%s\n' $(filter-out $(NEED_WEIGHTS),$(STAGES)) | \
	  xargs -P $(if $(JOBS),$(JOBS),2) -I {} $(SHELL) -c 'status=0; mkdir -p build; \
	    $(BIN)/myorepro stage check {} --runner docker >build/check-{}.txt 2>&1 || status=1; cat build/check-{}.txt; exit $$status'

real-data-check: $(STAMP) ## one line for each DICOM series of FOLDER=...: read, or refused and why, and SimpleITK's opinion
	@test -n "$(FOLDER)" || { echo "make: name the folder of DICOM files: make real-data-check FOLDER=..." >&2; exit 2; }
	$(BIN)/myorepro real-data-check "$(FOLDER)"

gate: $(STAMP) ## gate the stages against the frozen baseline; GATE="NAME=FOLDER ..." puts candidates in their place
	$(BIN)/myorepro gate $(addprefix --stage ,$(GATE)) $(if $(JOBS),--jobs $(JOBS))

mutants: $(STAMP) ## prove that the gate sees every seeded fault, and raises no alarm over harmless variations (ONLY=fusion)
	$(BIN)/myorepro mutants $(foreach name,$(ONLY),--only $(name)) $(if $(JOBS),--jobs $(JOBS))

train: $(STAMP) ## make phantoms and train the shipped small network again in build/train; goes on where it was stopped
	$(BIN)/python -m phantoms.thigh.training_set build/train/data
	$(QUIET) $(BIN)/python -m containers.thigh_segmentation.train phantom-small \
	  --data build/train/data --out build/train/out --seed 1 --threads 2

train-spine: $(STAMP) ## the same for the back: phantoms and the compact nnU-Net in build/train-spine
	$(BIN)/python -m phantoms.back.training_set build/train-spine/data
	$(QUIET) $(BIN)/python -m containers.spine_segmentation.train \
	  --data build/train-spine/data --out build/train-spine/out --seed 1 --threads 2

bench: $(BENCH_STAMP) ## time the stages against their peers; table, and build/bench/results.json (ONLY=fusion, QUICK=1)
	$(BIN)/myorepro bench $(foreach name,$(ONLY),--only $(name)) $(if $(QUICK),--quick) $(if $(JOBS),--jobs $(JOBS))

lock: $(STAMP) ## resolve the lock files again (UPGRADE=1 takes newer versions)
	$(BIN)/python requirements/lock.py $(if $(UPGRADE),--upgrade)

lock-check: $(STAMP) ## resolve the CUDA locks without installing
	mkdir -p build
	$(BIN)/uv pip install $(DRY) -r requirements/host.lock -r requirements/torch-cuda.lock
	$(BIN)/uv pip install $(DRY) $(IMAGE) -r containers/base/requirements-cuda.lock -r containers/fusion/requirements.lock

clean: ## remove what runs and builds left (not .venv)
	rm -rf build work report .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks *.egg-info
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
