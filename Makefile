# `make` alone lists what can be done. Set-up happens by itself (scripts/setup.sh), only when something is missing.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help run events test lint lock soak bench clean
MAKEFLAGS += --no-print-directory

# Options reach the recipes through the environment and untouched: `value` keeps make from expanding a `$` in a file's
# name. HOST counts only on make's command line, for many shells export it as the name of the machine.
define keep
ifneq ($$(filter $2,$$(origin $1)),)
override $1 := $$(value $1)
export $1
endif
endef
$(foreach option,VIDEO PORT DATA CLOCK SIMULATE_GEMINI UPGRADE QUICK,$(eval $(call keep,$(option),command environment)))
$(eval $(call keep,HOST,command))
ifneq ($(filter environment,$(origin HOST)),)
unexport HOST
endif

# Whatever is started here is many processes: they read what the first one compiled, and do not each compile it anew.
unexport PYTHONDONTWRITEBYTECODE

# What make tells its children about itself would confuse a make that a test starts.
PREPARE = unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES; scripts/setup.sh

help: ## Show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 14

run: ## Start everything: [VIDEO=file or folder] [PORT=8080] [HOST=127.0.0.1] [DATA=./data] [CLOCK=…] [SIMULATE_GEMINI=1]
	@$(PREPARE) run
	options=()
	for name in port host data video clock; do
	  variable=$${name^^}
	  [ -z "$${!variable:-}" ] || options+=("--$$name" "$${!variable}")
	  unset "$$variable"
	done
	exec .venv/bin/dolbom up "$${options[@]}"

events: ## Follow the facts as they happen, one line each: [DATA=./data]
	@$(PREPARE) run
	exec .venv/bin/dolbom events $${DATA:+--data "$$DATA"}

test: ## Run the tests, and tell which were skipped and why
	@$(PREPARE) test
	rm -f build/skips-*.txt
	status=0
	run() { .venv/bin/python -m pytest -m "not soak" -q "$$@" || status=1; }
	# What is measured by the clock gets the machine for itself; the story of the windows waits most of its time.
	alone=(tests/integration/ingest/test_live_queue.py tests/windows/test_many_cameras.py tests/e2e)
	run tests/windows tests/integration tests/unit tests/contracts "$${alone[@]/#/--ignore=}" -n 2 --dist loadfile
	run "$${alone[@]}"
	echo "Skipped:"
	cat build/skips-*.txt 2>/dev/null || echo "  none"
	exit $$status

soak: ## Run the long seeded tests, reports in build/soak-*.md: [DOLBOM_SEEDS=50] [DOLBOM_SEED=the first one]
	@$(PREPARE) test
	rm -f build/soak-*.md
	status=0
	soak() { .venv/bin/python -m pytest -p tests.soak.report -m soak -q "$$@" || status=1; }
	seeded=(tests/soak/test_{past,backlog,outages,drift,records}.py)
	soak "$${seeded[@]}" -n 2
	# Whole sites are measured by the clock: they get the machine for themselves.
	soak tests "$${seeded[@]/#/--ignore=}"
	head -n 3 build/soak-*.md
	exit $$status

bench: ## Run the paired benchmarks: [QUICK=1]
	@$(PREPARE) bench
	status=0
	measure() { .venv/bin/python -m "$$@" || status=1; }
	measure bench $${QUICK:+--quick}
	measure bench.reads $${QUICK:+--rows 20000 --pairs 2 --seconds 2}
	measure bench.projection $${QUICK:+--facts 10000 --pairs 2}
	measure bench.lag $${QUICK:+--seconds 10}
	measure bench.live $${QUICK:+--rounds 1}
	exit $$status

lint: ## Check style, types, imports and sizes
	@$(PREPARE) lint
	status=0
	check() { "$$@" || status=1; }
	check .venv/bin/ruff check
	check .venv/bin/ruff format --check
	check .venv/bin/mypy libs services cli bench tests scripts
	check .venv/bin/lint-imports --cache-dir build/import-linter
	check .venv/bin/python scripts/check_sizes.py
	exit $$status

lock: ## Pin what pyproject.toml and package.json ask for: [UPGRADE=1] to the newest versions
	@$(PREPARE) lock
	scripts/lock.sh

clean: ## Remove what set-up and the tools made; recordings in data/ stay
	@rm -rf .venv build services/query/web/node_modules tests/hls_checker/node_modules
