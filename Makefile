# SPDX-License-Identifier: MIT
# One non-recursive Makefile that finds sources by folder: adding a file needs no edit here.
#
#   make            build everything into build/bin
#   make demo       set up, build, and run the main job end to end
#   make check      set up, build, run every test; ends with "N passed, N failed"
#   make help       the other targets
#
# V=1 shows commands; SAN=address,undefined or SAN=thread builds with sanitizers into build/san-…;
# COV=1 builds for gcov; CC, PREFIX, DESTDIR as usual.

CC ?= cc
PREFIX ?= /usr/local
VERSION := 0.1.0
CFLAGS ?= -O2 -g
SHELL := /bin/bash

comma := ,
B := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(COV),/cov)
Q := $(if $(V),,@)

PKGS := libsodium libcurl sqlite3 openssl jansson libmnl libseccomp libqrencode lwip
WARN := -Wall -Wextra -Wshadow -Wvla -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wnull-dereference -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings \
	-Wundef -Wold-style-definition -Wredundant-decls \
	$(if $(SAN),,$(if $(CI)$(WERROR),-Werror)) # instrumented code is warned of for no reason
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection) $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all) $(if $(COV),--coverage -O0) $(if $(SAN)$(COV),-DRN_NO_SANDBOX)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DRN_VERSION='"$(VERSION)"' -Ilib -I$(B)/gen $(WARN) $(HARDEN) \
	$(SANFLAGS) $(shell pkg-config --cflags $(PKGS) 2>/dev/null) -pthread $(CFLAGS)

# Which libraries each folder of lib/ brings; a program links what its folders need (--as-needed).
LDLIBS_ALL = -Wl,--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm

LIB_SRC := $(sort $(wildcard lib/*/*.c lib/*/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/obj/%.o)
PROGS := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard cmd/*/main.c)))))
PROG_SRC := $(sort $(wildcard cmd/*/*.c console-cgi/*.c))
CGI := $(if $(wildcard console-cgi/*.c),$(B)/bin/rn-console.cgi)
UNIT := $(sort $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c)))
FUZZ := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
BENCH := $(sort $(patsubst bench/%.c,%,$(wildcard bench/*.c bench/tools/*.c)))

BINS := $(PROGS:%=$(B)/bin/%)
all: $(BINS) $(CGI) $(B)/bin/rustronaut-cli

# Objects are named by their source's path; one archive holds lib/, and the linker takes what is used.
$(B)/obj/%.o: %.c | deps-present
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/librn.a: $(LIB_OBJ)
	$(if $(V),,@echo "  AR    $@")
	$(Q)rm -f $@ && ar rcs $@ $^

define prog_rule
$(B)/bin/$(1): $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard cmd/$(1)/*.c))) $(B)/librn.a
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LINK  $$@")
	$$(Q)$$(CC) $$(SANFLAGS) $$(CFLAGS) $$(LDHARDEN) -pthread -o $$@ $$^ $$(LDLIBS_ALL) $$(LDFLAGS)
endef
$(foreach p,$(PROGS),$(eval $(call prog_rule,$(p))))

ifneq ($(CGI),)
$(B)/bin/rn-console.cgi: $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard console-cgi/*.c))) $(B)/librn.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CC) $(SANFLAGS) $(CFLAGS) $(LDHARDEN) -pthread -o $@ $^ $(LDLIBS_ALL) $(LDFLAGS)
endif

$(B)/bin/rustronaut-cli: $(wildcard $(B)/bin/rn) | $(filter $(B)/bin/rn,$(BINS))
	@mkdir -p $(@D)
	$(Q)ln -sf rn $@

$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/librn.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(CFLAGS) $(LDHARDEN) -pthread -o $@ $^ $(LDLIBS_ALL)

$(B)/bench/%: $(B)/obj/bench/%.o $(B)/librn.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(CFLAGS) $(LDHARDEN) -pthread -o $@ $^ $(LDLIBS_ALL)

# Fuzzers: clang's libFuzzer with ASan and UBSan, over the whole library built the same way.
FB := build/fuzz
FUZZ_FLAGS = -std=gnu17 -D_GNU_SOURCE -DRN_VERSION='"$(VERSION)"' -Ilib -g -O1 \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null) \
	-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
$(FB)/obj/%.o: %.c | deps-present
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(FB)/librn.a: $(LIB_SRC:%.c=$(FB)/obj/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^
$(FB)/bin/%: $(FB)/obj/tests/fuzz/%.o $(FB)/librn.a
	@mkdir -p $(@D)
	$(Q)clang -fsanitize=address,undefined,fuzzer -pthread -o $@ $^ $(LDLIBS_ALL)
# Fuzzers of the CGI program, which is no library: all of it but main.
$(FB)/bin/cgi_%: $(FB)/obj/tests/fuzz/cgi_%.o $(patsubst %.c,$(FB)/obj/%.o,$(filter-out %/main.c,$(wildcard console-cgi/*.c))) $(FB)/librn.a
	@mkdir -p $(@D)
	$(Q)clang -fsanitize=address,undefined,fuzzer -pthread -o $@ $^ $(LDLIBS_ALL)

unit-bins: $(UNIT:%=$(B)/unit/%)
bench-bins: $(BENCH:%=$(B)/bench/%)
fuzz-bins: $(FUZZ:%=$(FB)/bin/%)

# Installs what is missing; silent when nothing is.
deps-present: build/.deps
build/.deps: scripts/deps
	@mkdir -p build
	$(Q)scripts/deps build
	@touch $@
deps:
	scripts/deps build test

demo: all
	scripts/deps build demo
	scripts/demo

check: export BUILD := $(B)
check: deps all unit-bins
	scripts/check
check-long: export BUILD := $(B)
check-long: deps
	scripts/check-long
fuzz: deps fuzz-bins
	scripts/fuzz $(FUZZ)
lint: deps all
	scripts/lint
bench: all bench-bins
	scripts/deps build bench
	scripts/bench

MAN := $(sort $(wildcard man/*.[1-8]))
install: all
	scripts/install "$(DESTDIR)" "$(PREFIX)" $(B)
uninstall:
	scripts/install --remove "$(DESTDIR)" "$(PREFIX)" $(B)
dist:
	git archive --format=tar.gz --prefix=rustronaut-$(VERSION)/ -o rustronaut-$(VERSION).tar.gz HEAD
# The committed tree as a Debian package, in build/deb.
deb:
	rm -rf build/deb && mkdir -p build/deb
	git archive --prefix=rustronaut-$(VERSION)/ HEAD | tar -x -C build/deb
	cd build/deb/rustronaut-$(VERSION) && dpkg-buildpackage -us -uc -b
	@ls build/deb/*.deb
clean:
	rm -rf build
help:
	@sed -n 's/^#   //p' Makefile
	@echo "make deps | check-long | fuzz | lint | bench | install | uninstall | dist | deb | clean"

.PHONY: all deps deps-present demo check check-long fuzz lint bench install uninstall dist deb clean help \
	unit-bins bench-bins fuzz-bins
.SECONDARY:
-include $(LIB_OBJ:.o=.d) $(PROG_SRC:%.c=$(B)/obj/%.d) $(UNIT:%=$(B)/obj/tests/unit/%.d) \
	$(patsubst %,$(FB)/obj/%.d,$(LIB_SRC:.c=) $(FUZZ:%=tests/fuzz/%)) $(BENCH:%=$(B)/obj/bench/%.d)
