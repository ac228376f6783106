# Two commands: `make repro` rebuilds everything, `make test` runs the tests. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# uv lives beside the environment, since syncing removes all that the lock does not name
UV := .uv/bin/uv
UV_VERSION := 0.13.8
STAMP := $(VENV)/.installed
# Runs trained at a time; if not given: one per GPU, else one per core
JOBS ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH :=
export DVC_NO_ANALYTICS := 1

.PHONY: help setup setup-ray repro test test-all test-gpu lint train-all profile-demo profile-paper bench bench-clips lock clean

help:  ## Say what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP)  ## Make the virtual environment from the lock file

$(STAMP): requirements/lock.txt pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python must be 3.11 or newer; got {v[0]}.{v[1]}. Name another: make PYTHON=python3.12 setup")'
	test -x $(UV) || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	$(UV) pip sync --quiet --python $(BIN)/python --compile-bytecode requirements/lock.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/dvc config --local cache.type reflink,hardlink,symlink,copy
	$(BIN)/dvc config --local core.analytics false
	$(BIN)/dvc config --local core.check_update false
	touch $@

# `dvc repro` alone does all of it, one stage after the other; training runs are independent, so they go in parallel.
repro: setup  ## Rebuild everything that changed: videos, faces, shards, detectors, tables, report
	$(BIN)/dvc repro shard
	$(BIN)/deepfake-adv train-all $(if $(JOBS),--jobs $(JOBS))
	$(BIN)/dvc repro

test: setup lint  ## Lint, check types, run the default tests
	$(BIN)/python -m pytest -m "not slow and not gpu"

test-all: setup lint  ## The same with the slow tests
	$(BIN)/python -m pytest -m "not gpu"

test-gpu: setup  ## The tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

train-all: setup  ## Train, score and evaluate independent runs in parallel: make train-all JOBS=8
	$(BIN)/deepfake-adv train-all $(if $(JOBS),--jobs $(JOBS))

setup-ray: setup  ## Add Ray, for execution.engine: ray
	$(UV) pip install --quiet --python $(BIN)/python --constraint requirements/lock.txt -r requirements/ray.in

profile-demo profile-paper: profile-%:  ## Make profiles/demo.yaml or profiles/paper.yaml the live params.yaml
	cp profiles/$*.yaml params.yaml

bench: setup  ## Measure everything that the README's table of speeds has, real clips apart
	$(BIN)/python benchmarks/blur.py --threads 1
	$(BIN)/python benchmarks/blur.py
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/step.py --methods grad_bat two_gen_bat --compile --output benchmarks/results/step-compiled.json
	$(BIN)/python benchmarks/step.py --methods grad_bat two_gen_bat --precision bf16-mixed --output benchmarks/results/step-bf16.json
	$(BIN)/python benchmarks/train.py
	$(BIN)/python benchmarks/train.py --threads 1
	for name in preprocess engines tracks shards evaluate studies; do $(BIN)/python benchmarks/$$name.py || exit 1; done

bench-clips: setup  ## The same of real videos: make bench-clips CLIPS=folder
	$(BIN)/python benchmarks/preprocess.py --clips $(CLIPS) --count 3 --heights 720
	$(BIN)/python benchmarks/tracks.py --clips $(CLIPS)
	$(BIN)/python benchmarks/tracks.py --clips $(CLIPS) --first 3 --count 4 --output benchmarks/results/tracks-unseen.json

lock: setup  ## Resolve requirements/*.in anew
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --override requirements/override.txt requirements/runtime.in requirements/dev.in -o requirements/lock.txt

clean:  ## Remove scratch folders of unfinished stages
	rm -rf work
