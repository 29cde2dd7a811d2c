# Every target makes the environment it needs; `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STUBS := protos/generate.py
AZURE_TESTS := tests/azure
AZURE_VERSIONS := 1.0.0 2.0.0 3.0.0 3.1.1
# npm writes it when all else is there.
AZURE_NODE := $(AZURE_TESTS)/javascript/node_modules/.package-lock.json
FOLDER ?= backbone-training
RIVALS := mlserver kserve pytriton
TEACHER ?= $(CUSTOMVISION_TEACHER_WEIGHTS)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run demo pictures test lint format types protos protos-check bench bench-training bench-prediction rivals backbone nuisances lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## Start the whole suite on this machine; Ctrl-C stops it
	@exec $(BIN)/customvision up

demo: $(VENV)/.runtime ## Show the whole story on pictures drawn for it: no data, no internet
	@$(BIN)/python demo/story.py

pictures: $(VENV)/.development ## Take the docs' pictures of the page, with the system's Chromium
	@$(BIN)/python demo/page_pictures.py

test: $(VENV)/.development $(VENV)/.azure-sdks $(AZURE_NODE) ## Run all tests
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.development ## Check style, architecture and the contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code protos
	@$(MAKE) --no-print-directory breaking

.PHONY: breaking
breaking: $(VENV)/.development
	@# Compared with the last release; before the first one there is nothing to keep.
	@tag=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); \
	if [ -z "$$tag" ]; then echo "buf breaking: no release yet; comparing with HEAD"; tag=HEAD; fi; \
	$(BIN)/buf breaking --against ".git#ref=$$tag"

format: $(VENV)/.development ## Format code and protos
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/buf format --write protos

types: $(VENV)/.development ## Check types
	$(BIN)/mypy

protos: $(VENV)/.development ## Generate the Python stubs beside the protos
	$(BIN)/python $(STUBS)

protos-check: $(VENV)/.development ## Check that the committed stubs are current
	$(BIN)/python $(STUBS) --check

bench: $(VENV)/.development ## Print the figures of the design beside their baselines
	PYTHONPATH=demo $(BIN)/python bench/benchmarks.py $(ONLY)

bench-training: $(VENV)/.development ## Print the figures of training alone, in depth: make bench-training ONLY=accuracy (docs/development.md)
	@PYTHONPATH=demo $(BIN)/python bench/training_benchmarks.py $(ONLY) $(OPTIONS)

bench-prediction: $(VENV)/.development ## Print the figures of prediction alone, in depth: make bench-prediction ONLY=load (docs/development.md)
	@PYTHONPATH=demo $(BIN)/python bench/prediction_benchmarks.py $(ONLY) $(OPTIONS)

rivals: $(RIVALS:%=$(VENV)/rivals/%/.installed) ## Install the servers that bench-prediction compares with, each apart

backbone: $(VENV)/.runtime ## Train a small backbone: make backbone PHOTOS=folder TEACHER=weights.h5 (docs/backbone.md)
	@test -n "$(PHOTOS)" -a -n "$(TEACHER)" || { echo "Say from what to learn: make backbone PHOTOS=folder TEACHER=weights.h5"; exit 2; }
	@$(BIN)/python -m customvision.training.distillation $(PHOTOS) --teacher "$(TEACHER)" --folder "$(FOLDER)" $(OPTIONS)

nuisances: $(VENV)/.runtime ## Measure how features differ between views of one photo: make nuisances PHOTOS=folder WEIGHTS=file.h5 (docs/backbone.md)
	@test -n "$(PHOTOS)" -a -n "$(WEIGHTS)" || { echo "Say of what, on what: make nuisances PHOTOS=folder WEIGHTS=file.weights.h5"; exit 2; }
	@$(BIN)/python -m customvision.training.distillation.measure_nuisances $(PHOTOS) --weights "$(WEIGHTS)" $(OPTIONS)

lock: $(VENV)/.development ## Pin every dependency again, with hashes
	@for rival in $(RIVALS); do \
		$(BIN)/uv pip compile bench/rivals/$$rival.in --generate-hashes --python-version 3.11 --no-header --no-annotate --quiet --output-file bench/rivals/$$rival.txt || exit 1; \
	done
	$(BIN)/uv pip compile pyproject.toml --group build --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra opentelemetry --constraint requirements.lock --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements-opentelemetry.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --constraint requirements.lock --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements-dev.lock

clean: ## Remove the environment and what tools left behind
	rm -rf $(VENV) $(AZURE_TESTS)/javascript/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis clients/typescript/node_modules clients/typescript/dist

$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.development: requirements-dev.lock pyproject.toml
	@$(call install,requirements-dev.lock)
	@touch $(VENV)/.runtime $@

# What tests run unmodified, each version apart from the others and from everything else.
$(VENV)/.azure-sdks: $(wildcard $(AZURE_TESTS)/requirements/*.txt) | $(VENV)/.development
	@echo "Installing the published Azure SDKs for Python into $(VENV)/azure…"
	@rm -rf $(VENV)/azure
	@for version in $(AZURE_VERSIONS); do \
		$(BIN)/python -m pip install --quiet --require-hashes --no-deps --target $(VENV)/azure/$$version \
			--requirement $(AZURE_TESTS)/requirements/libraries.txt \
			--requirement $(AZURE_TESTS)/requirements/$$version.txt || exit 1; \
	done
	@touch $@

# Their tests are skipped where this fails: not everyone has Node and a registry for it.
$(AZURE_NODE): $(AZURE_TESTS)/javascript/package-lock.json
	@cd $(AZURE_TESTS)/javascript && npm ci --silent || echo "The Azure SDKs for JavaScript cannot be installed here and are left out."

# One that cannot be installed is left out of the comparison, with that reason.
$(VENV)/rivals/%/.installed: bench/rivals/%.txt
	@echo "Installing what $< names into $(VENV)/rivals/$*…"
	@rm -rf $(VENV)/rivals/$*
	@{ "$(PYTHON)" -m venv $(VENV)/rivals/$* \
		&& $(VENV)/rivals/$*/bin/python -m pip install --quiet --require-hashes --requirement $< && touch $@; } \
		|| { rm -rf $(VENV)/rivals/$*; echo "$* cannot be installed here and is left out."; }

define install
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed. Install it, or name yours: make PYTHON=/path/to/python3.11"; exit 1; }; \
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV); \
	echo "Installing what $(1) names into $(VENV) (a few minutes the first time)…"; \
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(1) \
	&& $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endef
