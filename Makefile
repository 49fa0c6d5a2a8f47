# SPDX-License-Identifier: BSD-2-Clause
# ptm: one binary, one library. GNU make.
#
# Knobs: CC=gcc|clang  CFLAGS= LDFLAGS= (added)  V=1 (show commands)
#        DEV=1 (-Werror)  CONFIG=name (build/<name>; asan, ubsan and tsan set it)
#        TARGET=aarch64 (cross: build/aarch64, with the packages of scripts/deps aarch64;
#        tests run under qemu as CPU=max)
CONFIG ?= $(or $(TARGET),release)
B := build/$(CONFIG)
ifdef TARGET
SYSROOT := $(CURDIR)/build/sysroot-$(TARGET)
ifeq ($(wildcard $(SYSROOT)/complete),)
$(error no $(SYSROOT): 'scripts/deps $(TARGET)' makes it)
endif
ifneq ($(origin CC),command line)
CC := $(TARGET)-linux-gnu-gcc
endif
override CC += --sysroot=$(SYSROOT)
AR := $(TARGET)-linux-gnu-ar
export PTM_LAUNCHER ?= qemu-$(TARGET)-static -L $(SYSROOT) -cpu $(or $(CPU),max)
endif
Q := $(if $(V),,@)

OPT ?= -O2 -g
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wcast-qual -Wformat=2 -Wdouble-promotion $(if $(DEV),-Werror)
SAN_asan := -fsanitize=address -fno-omit-frame-pointer
SAN_ubsan := -fsanitize=undefined -fno-sanitize-recover=undefined
SAN_tsan := -fsanitize=thread
SAN := $(SAN_$(CONFIG))
ALL_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -I. $(OPT) $(WARN) -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -ffp-contract=off $(ISA) -fvisibility=hidden -pthread $(SAN) $(CFLAGS)
LIBS := -lz -lzstd -lcjson -lm
IMAGE := $(shell printf '\043include <stdio.h>\n\043include <png.h>\n\043include <jpeglib.h>\nint main(void){return 0;}\n' | $(CC) $(CFLAGS) -x c - -o /dev/null $(LDFLAGS) -lpng -ljpeg 2>/dev/null && echo 1)
ifeq ($(IMAGE),1)
LIBS += -lpng -ljpeg
ALL_CFLAGS += -DPTM_HAVE_IMAGE=1
endif

PTHREADPOOL := $(shell printf '\043include <pthreadpool.h>\nint main(void){return !pthreadpool_create(1);}\n' | $(CC) $(CFLAGS) -x c - -o /dev/null $(LDFLAGS) -lpthreadpool 2>/dev/null && echo 1)
ifeq ($(PTHREADPOOL),1)
LIBS += -lpthreadpool
ALL_CFLAGS += -DPTM_HAVE_PTHREADPOOL=1
endif
XNNPACK := $(shell printf '\043include <xnnpack.h>\nint main(void){return (int)xnn_initialize(0);}\n' | $(CC) $(CFLAGS) -x c - -o /dev/null $(LDFLAGS) -lXNNPACK -lpthreadpool -lm 2>/dev/null && echo 1)
ifeq ($(XNNPACK),1)
LIBS := -lXNNPACK $(LIBS)
ALL_CFLAGS += -DPTM_HAVE_XNNPACK=1
endif

LIB_SRC := $(wildcard kernels/*.c libcore/*.c formats/*.c)
CMD_SRC := $(wildcard cmd/*.c bench/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$(B)/%.o) $(B)/bench/zoo_data.o
KERN_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out %/check_ref.c,$(wildcard tests/kernels/check*.c)))
UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c) tests/kernels/check_ref.c)
TESTS := $(UNIT) $(B)/tests/kernels/check_kern
FUZZ := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(B)/ptm ## build ptm and libptm.a
	$(Q)ln -sf $(B)/ptm ptm

$(B)/ptm: $(CMD_OBJ) $(B)/libptm.a
	@echo "  LINK $@"
	$(Q)$(CC) $(SAN) -pthread -o $@ $(CMD_OBJ) $(B)/libptm.a $(LDFLAGS) $(LIBS)

$(B)/libptm.a: $(LIB_OBJ)
	@echo "  AR   $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/kernels/ref_%.o: OPT += -O3
# kernels/<family>_<isa>.c: one ISA each; sums may be fused there, as their contract TOL says
ISA_OBJ = $(filter %_$(1).o,$(LIB_OBJ))
$(foreach isa,c avx2 avx512 neon,$(call ISA_OBJ,$(isa))): ISA += -ffp-contract=fast
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
$(call ISA_OBJ,avx2) $(call ISA_OBJ,avx512): ISA += -mavx2 -mfma
$(call ISA_OBJ,avx512): ISA += -mavx512f -mavx512vl
endif
# what a program of ptm strip-unused-ops --build links
SMALL_LIBS := -lz -lzstd -lm -lxxhash $(if $(filter 1,$(PTHREADPOOL)),-lpthreadpool)
$(B)/cmd/build_small.o: ALL_CFLAGS += -DPTM_SMALL_LIBS='"$(SMALL_LIBS)"'
$(B)/libcore/backend_xnnpack%.o $(B)/bench/peers/%.o: WARN += -Wno-deprecated-declarations
$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

ZOO := $(sort $(wildcard bench/zoo/*.pt.zst))
$(B)/bench/zoo_data.c: scripts/embed $(ZOO)
	@mkdir -p $(@D)
	$(Q)scripts/embed $(ZOO) > $@.tmp && mv $@.tmp $@
$(B)/bench/zoo_data.o: $(B)/bench/zoo_data.c
	@echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# test programs and fuzz replay programs: one source file each
$(B)/bench.a: $(filter $(B)/bench/%,$(CMD_OBJ))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(UNIT): $(B)/%: $(B)/%.o $(B)/bench.a $(B)/libptm.a
	$(Q)$(CC) $(SAN) -pthread -o $@ $< $(B)/bench.a $(B)/libptm.a $(LDFLAGS) $(LIBS)
$(B)/tests/kernels/check_kern: $(KERN_OBJ) $(B)/libptm.a
	$(Q)$(CC) $(SAN) -pthread -o $@ $^ $(LDFLAGS) $(LIBS)
$(FUZZ): $(B)/%: $(B)/%.o $(B)/tests/fuzz/replay.o $(B)/libptm.a
	$(Q)$(CC) $(SAN) -pthread -o $@ $< $(B)/tests/fuzz/replay.o $(B)/libptm.a $(LDFLAGS) $(LIBS)

-include $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(UNIT:=.d) $(FUZZ:=.d) $(KERN_OBJ:.o=.d)

check: all $(TESTS) $(FUZZ) check-layers ## unit, kernel, format and CLI tests: under a minute
	$(Q)B=$(B) scripts/run-tests check
test: all $(TESTS) $(FUZZ) check-layers check-headers ## everything that needs no PyTorch
	$(Q)B=$(B) scripts/run-tests test
test-isa: all $(TESTS) ## what depends on the instruction set: kernels, backends, e2e models
	$(Q)B=$(B) scripts/run-tests isa
check-aarch64: ## cross-build for ARM64; CPUS="max cortex-a76 cortex-a53" under qemu
	$(Q)scripts/check-aarch64 $(CPUS)
live: all $(B)/tests/unit/test_plan_bound ## compare with live PyTorch, where it is installed
	$(Q)B=$(B) scripts/run-tests live
peers: all $(B)/bench/peers/xnnpack_bare ## what bench/peers/ compares ptm with and does not find installed
$(B)/bench/peers/xnnpack_bare: $(B)/bench/peers/xnnpack_bare.o
	$(Q)$(CC) -o $@ $< $(LDFLAGS) -lXNNPACK -lpthreadpool -lm
check-xnnpack-2024: ## build and test with the XNNPACK of Debian trixie, fetched into build/
	$(Q)scripts/xnnpack-2024 check
check-layers: ## includes point only downwards
	$(Q)scripts/check-layers
check-kernels: $(B)/tests/kernels/check_kern ## make check-kernels [OP=gemm_f32] [SEED=1]
	$< $(OP) $(SEED)
bench-kernels: $(B)/tests/kernels/check_kern ## their times per instruction set, when all checks pass
	$< --bench $(OP) $(SEED)
check-headers: ## each header compiles alone
	$(Q)for h in $(wildcard kernels/*.h libcore/*.h formats/*.h bench/*.h cmd/*.h); do \
	  printf '#include "%s"\nint x;\n' $$h | $(CC) $(ALL_CFLAGS) -Werror -fsyntax-only -x c - || exit 1; done
asan: ## build and check under AddressSanitizer
	$(Q)$(MAKE) --no-print-directory CONFIG=asan OPT="-O1 -g" check
ubsan: ## build and check under UndefinedBehaviorSanitizer
	$(Q)$(MAKE) --no-print-directory CONFIG=ubsan OPT="-O1 -g" check
tsan: ## build under ThreadSanitizer; sessions in several threads
	$(Q)$(MAKE) --no-print-directory CONFIG=tsan OPT="-O1 -g" build/tsan/tests/unit/test_threads build/tsan/tests/unit/test_session
	build/tsan/tests/unit/test_threads
	build/tsan/tests/unit/test_session
fuzz: ## make fuzz FMT=zip [SECONDS=60]: libFuzzer (clang) with the seed corpus
	$(Q)scripts/fuzz $(FMT) $(or $(SECONDS),60)
zoo-archives: ## make the archives of the zoo again, with Debian's torch
	/usr/bin/python3 -W ignore bench/zoo/make_archives.py bench/zoo tests/e2e/zoo
install: SHARE = $(DESTDIR)$(or $(PREFIX),/usr/local)/share
install: all ## PREFIX=/usr/local; with the manual page and completions
	install -D $(B)/ptm $(DESTDIR)$(or $(PREFIX),/usr/local)/bin/ptm
	mkdir -p $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions
	$(B)/ptm man > $(SHARE)/man/man1/ptm.1
	$(B)/ptm completion bash > $(SHARE)/bash-completion/completions/ptm
	$(B)/ptm completion zsh > $(SHARE)/zsh/site-functions/_ptm
	install -D -m 644 $(B)/libptm.a $(DESTDIR)$(or $(PREFIX),/usr/local)/lib/libptm.a
	for h in kernels/*.h kernels/*.def libcore/*.h libcore/*.def formats/formats.h; do \
	  install -D -m 644 $$h $(DESTDIR)$(or $(PREFIX),/usr/local)/include/ptm/$$h; done
clean: ## remove build/
	rm -rf build ptm
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
.PHONY: all check test test-isa check-aarch64 live peers check-xnnpack-2024 check-layers check-headers check-kernels bench-kernels asan ubsan tsan fuzz zoo-archives install clean help
.SECONDARY:
