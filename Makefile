# Each target does its own set-up: a virtual environment, Delve, and the programs to ask.
# What was made once is kept in .venv and build; `make clean` removes both.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DLV_VERSION := v1.27.2
# Too old for the Go that builds the fixtures: for the test of what is said then.
OLD_DLV_VERSION := v1.24.2

# Programs that others have written.
CADDY_VERSION := v2.11.9
NATS_SERVER_VERSION := v2.15.2

export SAMPLER_DLV :=
TRACED := build/go_uprobe build/go_usdt build/c_placed
GO_PROGRAMS := build/values build/stripped build/tracee-noinline build/go_types build/go_types-unoptimised build/go_types-pie
C_RINGS := build/c_ring build/c_ring-nopie build/c_ring-dwarf4
C_REFERENCES := build/c_reference build/c_reference_perf build/c_reference_uprobe
C_TYPES := build/c_types build/c_types-nopie build/c_types-o2 build/c_types-dwarf4
CPP_TYPES := build/cpp_types build/cpp_types-o2 build/cpp_types-dwarf4
RUST_TYPES := build/rust_types build/rust_types-o2 build/rust_types-dwarf5
C_PROGRAMS := $(C_RINGS) $(C_TYPES) $(C_REFERENCES) build/offspring build/crowd build/shared build/moving build/native build/tracer
NATIVE_PROGRAMS := $(C_PROGRAMS) $(CPP_TYPES) $(RUST_TYPES)
THIRD_PARTY := build/third-party/caddy build/third-party/nats-server build/.native
# Tests whose targets sleep most of the time: two files at once. All others have the machine to themselves.
TOGETHER := $(patsubst %,tests/integration/test_%.py,parity third_party points debug_files) tests/unit
C = gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -pthread
CPP = g++ -std=c++17 -Wall -Wextra -Werror -pthread
RUST = rustc --edition 2021 -D warnings -g
GO = PATH="$(CURDIR)/$(BIN):$$PATH" CGO_ENABLED=0 go

.PHONY: setup demo demo-programs test torture bench bench-others bench-timeline benchmarks plots lint e2e clean

setup: $(VENV)/.ready $(BIN)/dlv build/tracee

demo: setup
	tools/demo $(BIN)

demo-programs: setup $(TRACED)

test: setup build/dlv-old build/.browser $(GO_PROGRAMS) $(NATIVE_PROGRAMS) $(TRACED) $(THIRD_PARTY) lint
	$(BIN)/pytest -m 'not torture' -n 2 --dist loadscope --no-loadscope-reorder $(TOGETHER)
	$(BIN)/pytest -m 'not torture' $(addprefix --ignore=,$(TOGETHER))

# On a Kubernetes of two nodes, with the image as it is built now. Options for pytest: make e2e E2E='-k NAME'.
e2e: setup build/c_ring build/.cluster
	tests/e2e/run $(BIN) $(E2E)

torture: setup $(GO_PROGRAMS) $(NATIVE_PROGRAMS) $(TRACED)
	$(BIN)/pytest -m torture --timeout=3600

# The comparison that README shows, with its tables and pictures: some nine minutes, on a quiet machine.
bench: setup build/tracee-noinline build/c_ring $(TRACED)
	$(BIN)/python -m bench.compare --output plots
	$(MAKE) plots

# The same on programs that others have written: another nine.
bench-others: setup $(THIRD_PARTY) $(TRACED)
	$(BIN)/python -m bench.compare --output plots nats-server uwsgi
	$(MAKE) plots

# One look of each instrument, drawn from its own times and from what the threads of the target saw.
bench-timeline: setup build/tracee-noinline build/c_ring $(TRACED)
	$(BIN)/python -m bench.timeline --output plots/timeline.json
	$(MAKE) plots

# Tables and pictures anew, from the JSON of the last runs.
plots: $(VENV)/.ready
	tools/draw-plots $(BIN) plots README.md docs/*.md

# What the figures in README rest on, instrument by instrument: hours.
benchmarks: setup build/tracee-noinline build/third-party/caddy $(C_PROGRAMS) $(TRACED)
	$(BIN)/python -m bench.looks --output build/bench.json
	$(BIN)/python -m bench.ptrace --output build/bench-ptrace.json
	$(BIN)/python -m bench.perf --output build/bench-perf.json
	$(BIN)/python -m bench.tracing --output build/bench-tracing.json
	$(BIN)/python -m bench.first_sample --output build/bench-first-sample.json

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	tests/e2e/cluster/cluster down
	rm -rf --one-file-system $(VENV) build

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

build/third-party/caddy: $(VENV)/.ready
	GOBIN="$(CURDIR)/$(@D)" $(GO) install github.com/caddyserver/caddy/v2/cmd/caddy@$(CADDY_VERSION)
	touch $@

build/third-party/nats-server: $(VENV)/.ready
	GOBIN="$(CURDIR)/$(@D)" $(GO) install github.com/nats-io/nats-server/v2@$(NATS_SERVER_VERSION)
	touch $@

build/values: $(VENV)/.ready tests/programs/values/main.go
	mkdir -p build
	cd tests/programs/values && $(GO) build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@

build/go_types: $(VENV)/.ready $(wildcard tests/programs/go_types/*.go tests/programs/go_types/*/*.go)
	mkdir -p build
	cd tests/programs/go_types && $(GO) build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@

build/go_types-unoptimised: build/go_types
	cd tests/programs/go_types && $(GO) build -buildvcs=false -gcflags='all=-N -l' -o "$(CURDIR)/$@" .
	touch $@

build/go_types-pie: build/go_types
	cd tests/programs/go_types && $(GO) build -buildvcs=false -buildmode=pie -o "$(CURDIR)/$@" .
	touch $@

build/native build/tracer: build/%: build/.native tests/programs/%/main.c
	gcc -Wall -Wextra -O1 -no-pie -pthread -o $@ $(filter %.c,$^)

build/stripped: build/tracee
	cd fixtures/go_diode && $(GO) build -buildvcs=false -ldflags='-s -w' -o "$(CURDIR)/$@" .
	touch $@

build/tracee: $(VENV)/.ready $(wildcard fixtures/go_diode/*.go fixtures/go_diode/go.*)
	mkdir -p build
	cd fixtures/go_diode && $(GO) build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@

build/go_uprobe: build/.tracing $(VENV)/.ready $(wildcard fixtures/go_uprobe/*.go fixtures/go_uprobe/go.*)
	cd fixtures/go_uprobe && $(GO) build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@

# Its probes are C's.
build/go_usdt: build/.tracing $(VENV)/.ready $(wildcard fixtures/go_usdt/*.go fixtures/go_usdt/*.[ch] fixtures/go_usdt/go.*)
	cd fixtures/go_usdt && PATH="$(CURDIR)/$(BIN):$$PATH" CGO_ENABLED=1 go build -buildvcs=false -o "$(CURDIR)/$@" .
	touch $@

build/c_placed: build/.tracing fixtures/c_placed/main.c
	$(C) -O2 -g -fcf-protection=branch -o $@ $(filter %.c,$^)

build/offspring: build/.native tests/programs/offspring/offspring.c
	$(C) -O2 -g -o $@ $(filter %.c,$^)

build/shared: build/.native tests/programs/shared/shared.c
	$(C) -O2 -g -o $@ $(filter %.c,$^)

# Of one address, so that the first object of the program that it becomes lies where that of this one was.
build/moving: build/.native tests/programs/moving/moving.c
	$(C) -O2 -g -fno-pie -no-pie -o $@ $(filter %.c,$^)

build/crowd: build/.native tests/programs/crowd/crowd.c
	$(C) -O2 -g -o $@ $(filter %.c,$^)

build/.native: tools/setup-native
	mkdir -p build
	tools/setup-native
	touch $@

build/.cluster: tools/setup-cluster
	mkdir -p build
	tools/setup-cluster
	touch $@

build/.browser: tools/setup-browser
	mkdir -p build
	tools/setup-browser
	touch $@

build/.tracing: build/.native tools/setup-tracing
	tools/setup-tracing
	touch $@

build/c_ring: FLAGS := -O2 -g
build/c_ring-nopie: FLAGS := -O2 -g -fno-pie -no-pie
build/c_ring-dwarf4: FLAGS := -O2 -gdwarf-4
$(C_RINGS): build/.native $(wildcard fixtures/c_ring/*.[ch])
	$(C) $(FLAGS) -o $@ $(filter %.c,$^)

REFERENCE_SOURCES = $(addprefix fixtures/c_reference/,$(addsuffix .c,$(1)))
build/c_reference: $(call REFERENCE_SOURCES,main deadlines look point question registers series signals tasks threads)
build/c_reference_perf: $(call REFERENCE_SOURCES,perf bpf breakpoints deadlines handler question records registers \
	series signals tasks)
build/c_reference_uprobe: $(call REFERENCE_SOURCES,uprobe bpf handler question registers signals)
$(C_REFERENCES): build/.native $(wildcard fixtures/c_reference/*.h) fixtures/c_ring/clock.h
	$(C) -O2 -g -o $@ $(filter %.c,$^)

# The point as a function of its own: what takes an address, like c_reference, finds it by its symbol.
build/tracee-noinline: build/tracee
	cd fixtures/go_diode && $(GO) build -buildvcs=false -gcflags=-l -o "$(CURDIR)/$@" .
	touch $@

build/c_types: FLAGS := -O0 -g
build/c_types-nopie: FLAGS := -O0 -g -fno-pie -no-pie
build/c_types-o2: FLAGS := -O2 -g
# As older distributions build: DWARF 4, its sections compressed.
build/c_types-dwarf4: FLAGS := -O2 -gdwarf-4 -gz=zlib
$(C_TYPES): build/.native $(wildcard tests/programs/c_types/*.[ch])
	$(C) $(FLAGS) -o $@ $(filter %.c,$^)

build/cpp_types: FLAGS := -O0 -g
build/cpp_types-o2: FLAGS := -O2 -g
build/cpp_types-dwarf4: FLAGS := -O2 -gdwarf-4
$(CPP_TYPES): build/.native $(wildcard tests/programs/cpp_types/*)
	$(CPP) $(FLAGS) -o $@ $(filter %.cpp,$^)

build/rust_types: FLAGS := -C opt-level=0
build/rust_types-o2: FLAGS := -O
RUST_SOURCES := build/.native $(wildcard tests/programs/rust_types/*.rs)
build/rust_types build/rust_types-o2: $(RUST_SOURCES)
	$(RUST) $(FLAGS) -o $@ $(filter %/main.rs,$^)

# LLVM's way of DWARF 5 is another one than GCC's. A rustc that is too old for it writes DWARF 4 once more.
build/rust_types-dwarf5: $(RUST_SOURCES)
	$(RUST) -O -C dwarf-version=5 -o $@ $(filter %/main.rs,$^) || $(RUST) -O -o $@ $(filter %/main.rs,$^)
