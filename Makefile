# Everything a fresh machine needs is installed by the first target that wants it.
MAKEFLAGS += --no-print-directory
PYTHON_BIN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test soak check bench format messages screenshots install install-development

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 12

run: install ## set up what is missing, then serve at http://127.0.0.1:8000
	@exec $(PYTHON_BIN) manage.py serve --set-up

test: install-development ## the whole test suite
	@deploy/test.sh

soak: install-development ## random faults: make soak SECONDS=600 SEED=7
	@exec env SOAK_SECONDS=$(or $(SECONDS),600) SOAK_SEED=$(SEED) $(PYTHON_BIN) -m pytest -s tests/faults/test_soak.py

check: install-development ## all static checks
	$(PYTHON_BIN) -m ruff format --check .
	$(PYTHON_BIN) -m ruff check .
	$(PYTHON_BIN) -m mypy
	.venv/bin/lint-imports
	.venv/bin/djlint templates --check --lint --quiet
	$(PYTHON_BIN) manage.py makemigrations --check --dry-run
	ALLOWED_ORIGINS=https://chat.example.org SECRET_KEY_FILE= SECRET_KEY=$$(head -c 48 /dev/urandom | base64) \
		$(PYTHON_BIN) manage.py check --deploy --fail-level WARNING

bench: install ## measure, as ratios within one run
	$(PYTHON_BIN) bench/rendering.py
	$(PYTHON_BIN) bench/indexing.py
	$(PYTHON_BIN) bench/search.py
	$(PYTHON_BIN) bench/adapter.py
	$(PYTHON_BIN) bench/first_word.py
	$(PYTHON_BIN) bench/delivery.py
	$(PYTHON_BIN) bench/page_load.py

format: install-development ## put the code into its standard form
	$(PYTHON_BIN) -m ruff format .
	$(PYTHON_BIN) -m ruff check --fix .

messages: install-development ## renew and compile the translations (needs gettext)
	$(PYTHON_BIN) manage.py makemessages --all --no-wrap --ignore .venv --ignore tests
	$(PYTHON_BIN) manage.py compilemessages --ignore .venv

screenshots: install-development ## draw the pictures of README and docs
	@exec $(PYTHON_BIN) -m tests.browser.screenshots

install:
	@deploy/install.sh runtime

install-development:
	@deploy/install.sh development
