# Each target does its own set-up: a virtual environment, Delve, and the programs to ask.
# What was made once is kept in .venv and build; `make clean` removes both.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DLV_VERSION := v1.27.2
# Too old for the Go that builds the fixtures: for the test of what is said then.
OLD_DLV_VERSION := v1.24.2

export SAMPLER_DLV :=
GO = PATH="$(CURDIR)/$(BIN):$$PATH" CGO_ENABLED=0 go

.PHONY: setup demo test torture bench lint clean

setup: $(VENV)/.ready $(BIN)/dlv build/tracee

demo: setup
	tools/demo $(BIN)

test: setup build/dlv-old build/values build/stripped build/native build/tracer lint
	$(BIN)/pytest -m 'not torture'

torture: setup build/values
	$(BIN)/pytest -m torture --timeout=3600

bench: setup
	$(BIN)/python -m bench.looks --output build/bench.json

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	rm -rf $(VENV) build

$(VENV)/.ready: setup.cfg pyproject.toml constraints.txt tools/setup-python tools/setup-go
	tools/setup-python $(PYTHON) $(VENV)
	tools/setup-go $(VENV)
	touch $@

$(BIN)/dlv: $(VENV)/.ready
	GOBIN="$(CURDIR)/$(BIN)" $(GO) install github.com/go-delve/delve/cmd/dlv@$(DLV_VERSION)
	touch $@

build/dlv-old: $(VENV)/.ready
	mkdir -p build/old
	GOBIN="$(CURDIR)/build/old" $(GO) install github.com/go-delve/delve/cmd/dlv@$(OLD_DLV_VERSION)
	mv build/old/dlv $@ && rmdir build/old && touch $@

build/values: $(VENV)/.ready tests/programs/values/main.go
	mkdir -p build
	cd tests/programs/values && $(GO) build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@

build/native build/tracer: build/%: tests/programs/%/main.c
	tools/setup-cc
	mkdir -p build
	gcc -Wall -Wextra -O1 -no-pie -pthread -o $@ $<

build/stripped: build/tracee
	cd fixtures/go_diode && $(GO) build -buildvcs=false -ldflags='-s -w' -o "$(CURDIR)/$@" .
	touch $@

build/tracee: $(VENV)/.ready $(wildcard fixtures/go_diode/*.go fixtures/go_diode/go.*)
	mkdir -p build
	cd fixtures/go_diode && $(GO) build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@
