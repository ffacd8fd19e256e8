# `make help` lists what there is. Every Python command runs in .venv, which `make setup` makes.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=
EXTRAS ?= dev,sweep,distributed,onnx,audio
DEMO ?= outputs/demo
READY := $(VENV)/.ready

.PHONY: help setup demo picture batch-picture notebook audit preprocess test test-all check format docs benchmarks gpu-check

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' Makefile | expand -t 20

setup: $(READY)  ## make .venv with the versions that are tested (a GPU user may pip install torch first)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

demo: $(READY)  ## everything on synthetic subjects: videos, crops, training, test scores (5 minutes on two idle cores)
	$(RUN) -m preprocess corpus=demo output=$(DEMO)/crops
	$(RUN) -m stan_lightning.train experiment=demo data.root=$(DEMO)/crops hydra.run.dir=$(DEMO)/run go_on=true
	$(RUN) -m stan_lightning.evaluate checkpoint=$(DEMO)/run/checkpoints/best.ckpt output=$(DEMO)/evaluation \
	  data.batch_size=8 data.num_workers=0

preprocess: $(READY)  ## face crops of your corpus: AVEC2014=<folder>, AVEC2013=<folder> or MANIFEST=<csv>; more by ARGS=
	@if [ -n "$(AVEC2014)" ]; then set -- corpus=avec2014 'corpus.root="$(AVEC2014)"' output=data/avec2014; \
	elif [ -n "$(AVEC2013)" ]; then set -- corpus=avec2013 'corpus.root="$(AVEC2013)"' output=data/avec2013; \
	elif [ -n "$(MANIFEST)" ]; then set -- corpus=manifest 'corpus.root="$(MANIFEST)"' output=data/manifest; \
	else echo 'error: say where the videos are: make preprocess AVEC2014=<folder> (or AVEC2013=, MANIFEST=<csv>)' >&2; exit 2; fi; \
	exec $(RUN) -m preprocess "$$@" $(ARGS)

test: $(READY) check  ## linting, types and the fast tests (7 minutes on two idle cores)
	$(RUN) -m pytest -q -n auto --maxprocesses 4 $(ARGS)

test-all: $(READY) check  ## the slow tests as well
	$(RUN) -m pytest -q -m 'slow or not slow' $(ARGS)

benchmarks: $(READY)  ## every speed that the README states, each compared in one run
	$(RUN) -m benchmarks.network --sizes 112 --batches 2 --rounds 9 --compile
	$(RUN) -m benchmarks.network --modalities --csv modalities_benchmark.csv
	$(RUN) -m benchmarks.preprocess
	$(RUN) -m benchmarks.loader
	$(RUN) -m benchmarks.training
	$(RUN) -m benchmarks.t4
	$(RUN) -m benchmarks.runtime

gpu-check: $(READY)  ## with a GPU: compare its results with the CPU's, and measure times (10 minutes); more by ARGS=
	@$(RUN) -m benchmarks.gpu_check $(ARGS)

picture: demo  ## docs/report.png, the head of the demo's report (needs chromium)
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking \
	  --user-data-dir="$$(mktemp -d)" --window-size=1240,1320 --screenshot=$(CURDIR)/$(DEMO)/report.png \
	  file://$(CURDIR)/$(DEMO)/evaluation/report.html
	$(RUN) -c "from PIL import Image; Image.open('$(DEMO)/report.png').convert('RGB').quantize(160).save('docs/report.png', optimize=True)"

batch-picture: demo  ## docs/batch.png, one batch from the archive to the loss
	$(RUN) docs/batch_picture.py $(DEMO)/crops docs/batch.png

notebook: $(READY)  ## run docs/tutorial.ipynb from a clean kernel and keep what it shows (2 minutes)
	$(RUN) docs/run_notebook.py docs/tutorial.ipynb

audit: $(READY)  ## what networks show on synthetic data, where the truth is known (hours on two cores; ARGS="--labels identity face")
	$(RUN) -m benchmarks.audit $(ARGS)

docs: $(READY)  ## the documentation as a site in site/, with the Python reference
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet

check: $(READY)  ## ruff, mypy, and which room may import which
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-cache > /dev/null || $(VENV)/bin/lint-imports --no-cache

format: $(READY)  ## let ruff mend what it can
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
