# Works with GNU make 3.81 and newer. Options: PYTHON=python3.12, PORT=8600, ARGS="...".

SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?=
PORT ?=
ARGS ?=

DEV := requirements.txt requirements-litert.txt requirements-games.txt pyproject.toml
MODERN := import sys; sys.exit(sys.version_info < (3, 11))

# Runs pip with the arguments given. Prints the packages' names, the large files and the errors;
# the rest of what pip says is in .venv/pip.log.
define install
set -o pipefail; \
$(PY) -m pip install --no-input --disable-pip-version-check --progress-bar off $(1) 2>&1 \
| tee -a $(VENV)/pip.log | while IFS= read -r line; do case "$$line" in \
	Collecting*) line="$${line#Collecting }"; printf '%s ' "$${line%%[<>=!~; ]*}" ;; \
	*Downloading*\([0-9][0-9]*\ [MG]B\)*) printf '(%s ' "$${line##*(}" ;; \
	"Installing collected packages"*) printf '\n  Unpacking ...\n' ;; \
	ERROR:\ Ignored*) ;; \
	ERROR*) printf '\n%s\n' "$${line:0:300}" ;; \
esac; done || { printf '\nNot installed; all that pip said is in $(VENV)/pip.log.\n' >&2; exit 1; }
endef

.PHONY: help
help: ## List what can be made
	@echo "make TARGET, where TARGET is:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: run
run: ready ## Start the app on localhost, installed first if need be (PORT=8600, ARGS="...")
	@$(PY) -m streamlit run app.py --server.address localhost --server.showEmailPrompt false \
		$(if $(PORT),--server.port $(PORT)) $(ARGS)

.PHONY: test
test: dev chromium ## Run ruff, mypy and pytest (ARGS="-k recipe" goes to pytest)
	@unclean=; \
	check() { echo "== $$*"; $(PY) -m "$$@" || unclean="$$unclean, $$*"; }; \
	check ruff check; \
	check ruff format --check; \
	check mypy; \
	echo "== pytest"; \
	[ -z "$$unclean" ] || echo "This will fail whatever pytest says; not clean: $${unclean#, }"; \
	$(PY) -m pytest -n 2 --dist loadfile $(ARGS) && [ -z "$$unclean" ]

.PHONY: look
look: dev chromium ## Write a picture of every page to look/ (light, dark; wide, phone-wide)
	@$(PY) -m tests.look $(ARGS)

.PHONY: words
words: dev ## Bring assets/locale up to date with the source; prints what is left to translate
	@$(PY) -m tests.sayings

.PHONY: clean
clean: ## Remove pictures and caches
	@rm -rf look .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: clean-all
clean-all: clean ## Remove the installed packages as well
	@rm -rf $(VENV)

.PHONY: venv
venv:
	@$(PY) -c '$(MODERN)' 2>/dev/null && exit; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
		$$python -c 'import venv, ensurepip; $(MODERN)' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$($$python --version)"; \
		exec $$python -m venv --clear $(VENV); \
	done; \
	echo "Python 3.11 or newer with its venv module is needed" \
		"(Debian and Ubuntu: sudo apt install python3-venv)." >&2; \
	exit 1

# The stamps are copies of what was installed: a second call compares and is done.
.PHONY: ready
ready: venv
	@cmp -s requirements.txt $(VENV)/.installed && exit; \
	echo "Installing what the app needs (once; torch is the large one):"; \
	$(call install,-r requirements.txt); \
	cp requirements.txt $(VENV)/.installed

.PHONY: dev
dev: ready
	@cat $(DEV) | cmp -s - $(VENV)/.installed-dev && exit; \
	echo "Installing what the tests need, LiteRT and two games among it:"; \
	$(call install,"pip==26.3"); \
	$(call install,-r requirements.txt -r requirements-litert.txt -r requirements-games.txt --group dev); \
	cat $(DEV) > $(VENV)/.installed-dev

.PHONY: chromium
chromium: dev
	@$(PY) -m tests.browser >/dev/null && exit; \
	if [ "$$(id -u)" = 0 ]; then as_root=env; else as_root="sudo -n"; fi; \
	if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
		echo "Installing Chromium for the browser tests"; \
		{ $$as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive $$as_root apt-get -qq \
			install --no-install-recommends chromium fonts-liberation; } \
			> $(VENV)/apt.log 2>&1 || tail -n 5 $(VENV)/apt.log; \
	fi; \
	$(PY) -m tests.browser >/dev/null || echo "No Chromium: browser tests will fail."
