# pitrfs. `make help` lists what can be asked for.
#
# Every variant is built whole under $(BUILD)/<variant>/, so that none disturbs another:
#   release  build/pitr, build/pitrfs and the benchmarks. asserts stay on.
#   asan     AddressSanitizer, UBSan and leak check: all tests run on it.
#   tsan     ThreadSanitizer: the tests of THREADED_TESTS.
#   fuzz     clang's libFuzzer.
#   cov      line coverage by gcov.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
STRESS_SECONDS ?= 600
# ONLY="test_item test_key" narrows the check-* targets to the programs and bats files of these names.
ONLY ?=

CLANG ?= clang
CLANG_FORMAT ?= clang-format
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef
ifneq ($(filter true,$(CI))$(filter 1,$(WERROR)),)
WARNINGS += -Werror
endif
STANDARD := -std=c17 -D_GNU_SOURCE -iquote . -iquote core
LIBS := -llmdb -lcjson -llz4 -lxxhash -lcrypto -lz -lpthread
# Asked for when first used, so that a machine without pkg-config can still run `make deps`.
FUSE_CFLAGS = $(eval FUSE_CFLAGS := $$(patsubst -I%,-isystem %,$$(shell pkg-config --cflags fuse3)))$(FUSE_CFLAGS)
FUSE_LIBS = $(eval FUSE_LIBS := $$(shell pkg-config --libs fuse3))$(FUSE_LIBS)

UNIT_CFLAGS := -O0
VARIANTS := release asan tsan fuzz cov
release_CFLAGS := -O2 -g $(WARNINGS)
asan_CFLAGS := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS)
# Commands are started a thousand times by the tests: one with the sanitizers in it starts and looks for leaks in 3/4 of the time.
asan_PROGRAM := $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)
tsan_CFLAGS := -O1 -g1 -fno-omit-frame-pointer -fsanitize=thread $(WARNINGS)
fuzz_CC := $(CLANG)
fuzz_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -Wall -Wextra
cov_CFLAGS := -O0 -g --coverage $(WARNINGS)

CORE := $(wildcard core/*.c)
FS := $(wildcard fs/*.c)
TOOLS := $(wildcard tools/*.c)
SUPPORT := $(wildcard tests/support/*.c)
# The parts of the mount that know nothing of FUSE; tests/unit/test_fs_*.c are linked with them.
FS_PURE := $(wildcard fs/names.c fs/process.c fs/sessions.c fs/streams.c fs/tree.c fs/wakeful.c)
SOURCES := $(wildcard core/*.[ch] fs/*.[ch] tools/*.[ch] tests/*/*.[ch] tests/bench/files/*.[ch])

# Unit tests with threads in them, run by ThreadSanitizer too.
THREADED_TESTS := test_writer test_watch

only = $(if $(ONLY),$(filter $(addprefix %/,$(addsuffix .c,$(ONLY))),$(1)),$(1))
UNIT := $(patsubst %.c,%,$(call only,$(wildcard tests/unit/test_*.c)))
MODEL := $(patsubst %.c,%,$(call only,$(wildcard tests/model/model_*.c)))
CRASH := $(patsubst %.c,%,$(call only,$(wildcard tests/crash/*.c)))
FUZZ := $(patsubst %.c,%,$(call only,$(wildcard tests/fuzz/fuzz_*.c)))
STRESS := $(wildcard tests/stress/*.c)
# make_store makes what others measure.
BENCH := tests/bench/make_store $(filter-out tests/bench/make_store,$(patsubst %.c,%,$(call only,$(wildcard tests/bench/*.c))))
# A rival, not a benchmark.
PLAIN_FUSE := tests/bench/files/plain_fuse
THREADED := $(filter $(addprefix tests/unit/,$(THREADED_TESTS)),$(UNIT))

# --- What a variant consists of ---------------------------------------------------------------------------------

# $(call objects,VARIANT,SOURCES)
objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

define variant
$(1)_CC ?= $$(CC)
# release is what users run: its programs stand at the top of $(BUILD).
$(1)_BIN := $(if $(filter release,$(1)),$(BUILD),$(BUILD)/$(1))

$(BUILD)/$(1)/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$($(1)_CC) $$(STANDARD) $$(FS_CFLAGS) $$($(1)_CFLAGS) $$(CPPFLAGS) $$(CFLAGS) -MMD -MP -c -o $$@ $$<

# What unit tests do themselves is little, and compiles in half the time.
$(call objects,$(1),$(wildcard tests/unit/*.c)): $(1)_CFLAGS += $(UNIT_CFLAGS)
$(call objects,$(1),$(FS) $(PLAIN_FUSE).c): FS_CFLAGS = $$(FUSE_CFLAGS)

$(BUILD)/$(1)/libpitr.a: $(call objects,$(1),$(CORE))
$(BUILD)/$(1)/libsupport.a: $(call objects,$(1),$(SUPPORT))
$(BUILD)/$(1)/libfspure.a: $(call objects,$(1),$(FS_PURE))
$(BUILD)/$(1)/lib%.a:
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^

$$($(1)_BIN)/pitr: $(call objects,$(1),$(TOOLS)) $(BUILD)/$(1)/libpitr.a
	$$($(1)_CC) $$($(1)_CFLAGS) $$($(1)_PROGRAM) $$(LDFLAGS) -o $$@ $$^ $$(LIBS) -lm

$$($(1)_BIN)/pitrfs: $(call objects,$(1),$(FS)) $(BUILD)/$(1)/libpitr.a
	$$($(1)_CC) $$($(1)_CFLAGS) $$($(1)_PROGRAM) $$(LDFLAGS) -o $$@ $$^ $$(FUSE_LIBS) $$(LIBS)

# Test programs: each source has its own main, and is linked with the engine and the helpers of tests/support.
$(addprefix $(BUILD)/$(1)/,$(UNIT) $(MODEL) $(CRASH) $(BENCH)): $(BUILD)/$(1)/%: $(BUILD)/$(1)/%.o \
		$(BUILD)/$(1)/libsupport.a $(BUILD)/$(1)/libfspure.a $(BUILD)/$(1)/libpitr.a
	$$($(1)_CC) $$($(1)_CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka $$(LIBS) -lm

$(BUILD)/$(1)/$(PLAIN_FUSE): $(BUILD)/$(1)/$(PLAIN_FUSE).o
	$$($(1)_CC) $$($(1)_CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(FUSE_LIBS)

# The stress test is one program.
$(BUILD)/$(1)/tests/stress/stress_mounts: $(call objects,$(1),$(STRESS)) $(BUILD)/$(1)/libpitr.a
	$$($(1)_CC) $$($(1)_CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS)

$(BUILD)/$(1)/tests/unit/test_incident: $(call objects,$(1),$(wildcard tools/incident.c))
$(BUILD)/$(1)/tests/unit/test_shorthand: $(call objects,$(1),$(wildcard tools/shorthand.c))
$(BUILD)/$(1)/tests/unit/test_query: $(call objects,$(1),$(wildcard tools/query*.c tools/output_text.c))
$(BUILD)/$(1)/tests/unit/test_line_diff: $(call objects,$(1),$(wildcard tools/line_diff.c))
$(BUILD)/$(1)/tests/fuzz/fuzz_query: $(call objects,$(1),$(wildcard tools/query*.c))

# A fuzz target is driven by libFuzzer in the fuzz variant; elsewhere by replay.c, which runs the stored inputs.
$(addprefix $(BUILD)/$(1)/,$(FUZZ)): $(BUILD)/$(1)/%: $(BUILD)/$(1)/%.o \
		$(if $(filter fuzz,$(1)),,$(BUILD)/$(1)/tests/fuzz/replay.o) $(BUILD)/$(1)/libpitr.a
	$$($(1)_CC) $$($(1)_CFLAGS) $(if $(filter fuzz,$(1)),-fsanitize=fuzzer) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LIBS) -lm
endef

$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))

# --- Building ---------------------------------------------------------------------------------------------------

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps deps-build help clean install uninstall fmt fmt-check lint bench fuzz stress coverage demo \
	build-unit build-model build-mount build-crash build-fuzz build-stress build-tsan \
	check check-unit check-model check-mount check-crash check-fuzz check-tsan

all: $(BUILD)/pitr $(BUILD)/pitrfs

build-unit: $(addprefix $(BUILD)/asan/,$(UNIT))
build-model: $(addprefix $(BUILD)/asan/,$(MODEL))
build-mount: $(BUILD)/asan/pitr $(BUILD)/asan/pitrfs
build-crash: $(addprefix $(BUILD)/asan/,$(CRASH)) $(BUILD)/asan/pitr $(BUILD)/asan/pitrfs
build-fuzz: $(addprefix $(BUILD)/asan/,$(FUZZ))
# Commands beside the mounts are those of asan.
build-stress: $(BUILD)/tsan/tests/stress/stress_mounts $(BUILD)/tsan/pitrfs $(BUILD)/asan/pitr
build-tsan: $(addprefix $(BUILD)/tsan/,$(THREADED)) build-stress

# Packages are installed first, and only then is anything built: hence a second make.
# It builds in parallel, unless the caller has chosen how many jobs there are.
submake = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

deps:
	@.ci/deps build check

deps-build:
	@.ci/deps build

# --- Tests ------------------------------------------------------------------------------------------------------

# What cannot be built is left behind in $(BUILD)/unbuilt, counts as a failure, and the rest is run all the same.
build_tests = mkdir -p $(BUILD); rm -f $(BUILD)/unbuilt; $(submake) -k $(addprefix build-,$(1)) || touch $(BUILD)/unbuilt
run_tests = BUILD='$(BUILD)' JOBS='$(JOBS)' THREADED_TESTS='$(THREADED_TESTS)' ONLY='$(ONLY)' \
	STRESS_SECONDS='$(STRESS_SECONDS)' tests/run

# What takes long first, so that at the end no processor waits for a single job.
check: deps
	+@$(call build_tests,unit fuzz model mount crash tsan)
	@$(run_tests) lint tsan crash mount model unit fuzz

check-unit check-model check-mount check-crash check-fuzz check-tsan: check-%: deps
	+@$(call build_tests,$*)
	@$(run_tests) $*

stress: deps
	+@$(call build_tests,model crash stress)
	@$(run_tests) stress

lint: deps
	@tests/lint.sh

fuzz: deps
	+@$(submake) $(addprefix $(BUILD)/fuzz/,$(FUZZ))
	@BUILD='$(BUILD)' FUZZ_SECONDS='$(FUZZ_SECONDS)' tests/fuzz/run.sh $(notdir $(FUZZ))

bench:
	@.ci/deps build check bench
	+@$(submake) all $(addprefix $(BUILD)/release/,$(BENCH) $(PLAIN_FUSE))
	@BUILD='$(BUILD)' tests/bench/run.sh $(ONLY)

coverage: deps
	+@$(submake) $(addprefix $(BUILD)/cov/,$(UNIT) $(MODEL))
	@for program in $(addprefix $(BUILD)/cov/,$(UNIT) $(MODEL)); do "$$program" >/dev/null 2>&1 || echo "failed: $$program"; done
	@for source in $(CORE); do gcov -n -o "$(BUILD)/cov/$${source%.c}.o" "$$source" 2>/dev/null | \
		grep -A1 "^File '$$source'" | grep '^Lines' | sed "s|^|$$source: |"; done

fmt: deps
	$(CLANG_FORMAT) -i $(SOURCES)

fmt-check: deps
	@tests/lint.sh format

demo: deps-build
	+@$(submake) all
	@BUILD='$(BUILD)' tools/demo.sh

# --- Installing -------------------------------------------------------------------------------------------------

# mount -t fuse.pitrfs and fstab need no file of their own: mount.fuse calls the pitrfs it finds in PATH.
INSTALLED := $(PREFIX)/bin/pitr $(PREFIX)/bin/pitrfs

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(BUILD)/pitr $(BUILD)/pitrfs '$(DESTDIR)$(PREFIX)/bin/'

uninstall:
	rm -f $(foreach file,$(INSTALLED),'$(DESTDIR)$(file)')

clean:
	rm -rf $(BUILD)

help:
	@echo 'make              build/pitr (command line) and build/pitrfs (mount)'
	@echo 'make demo         install what is missing, build, and show the way round a store with an incident in it'
	@echo 'make check        install what is missing, lint, and run every test'
	@echo 'make check-unit   one suite; also check-model check-mount check-crash check-fuzz check-tsan'
	@echo '                  ONLY="test_item" narrows it to programs and bats files of these names'
	@echo 'make stress       random and crash tests with new seeds for STRESS_SECONDS ($(STRESS_SECONDS))'
	@echo 'make fuzz         each fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS)); ONLY= chooses'
	@echo 'make bench        measurements on the release build, 20 minutes (QUICK=1: 3); build/bench/results.json and .svg; ONLY= chooses'
	@echo 'make coverage     lines of core/ that the unit and model tests reach'
	@echo 'make lint         house rules; fmt formats the sources, fmt-check only looks'
	@echo 'make deps         install missing Debian packages'
	@echo 'make install      to DESTDIR ($(DESTDIR)) PREFIX ($(PREFIX)); uninstall removes it'
	@echo 'make clean        remove $(BUILD)/'
	@echo 'WERROR=1 or CI=true makes warnings errors; BUILD=dir builds elsewhere; CFLAGS and LDFLAGS are added.'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
