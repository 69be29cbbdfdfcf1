# Writ.  The targets people type:
#
#   make            build all programs under $(O)/ (default: build/)
#   make demo       as root: the whole story on this machine, in throw-aways
#   make check      install what tests need, run them, count them
#   make deps       install what packaging/deps lists (root)
#   make lint       layers, headers, format, clang-tidy, cppcheck, man pages
#   make asan       unit and interop tests under address and UB sanitizers
#   make coverage   line coverage of the unit tests
#   make fuzz       libFuzzer on each parser, FUZZ_SECONDS each (default 60)
#   make fault      kill -9 and injected failures, the whole set
#   make browser    what Chromium judges: the auditor's page
#   make servers    what S3 servers other than Ceph say: OpenStack Swift
#   make bench      one line a figure: NAME VALUE GOAL ok|short what
#   make install    DESTDIR and PREFIX as usual
#
# A variant is a build directory: build, build-asan, build-cov, build-fuzz.
# CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR belong to whoever calls make.
# V=1 shows commands.

O	?= build
# One spelling: the .d files name objects as they were spelled when compiled, and
# by another spelling of the same directory a changed header goes unseen.
override O := $(patsubst $(CURDIR)/%,%,$(abspath $(O)))
PREFIX	?= /usr/local
CC	?= cc
CFLAGS	?= -O2 -g
PKG_CONFIG ?= pkg-config
PYTHON	?= python3

ifeq ($(V),1)
  Q =
  say =
else
  Q = @
  say = @printf '  %-7s %s\n' '$(1)' '$@';
endif

warn	:= -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings \
	   -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	   -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
hard	:= -fPIE -fstack-protector-strong -fno-common $(CF_PROTECTION)
hardld	:= -pie -Wl,-z,relro,-z,now,-z,noexecstack
std	:= -std=c17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I.

ifdef SAN
  san	:= -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
  hard	+= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifdef COV
  san	+= --coverage -fprofile-update=atomic
endif

pkgs	:= libsodium libcrypto jansson yaml-0.1 libssh sqlite3 libseccomp
inc	:= $(shell $(PKG_CONFIG) --cflags $(pkgs) 2>/dev/null)
libs	:= $(shell $(PKG_CONFIG) --libs $(pkgs) 2>/dev/null) -lpthread -ldl
all_cflags = $(std) $(warn) $(WERROR) $(hard) $(san) $(inc) $(CPPFLAGS) $(CFLAGS)
all_ldflags = $(hardld) $(san) $(LDFLAGS)

# --- sources -----------------------------------------------------------------
# The order is the order of the layers; tests/lint/layers holds us to it.
rooms	:= lib/base lib/proc lib/crypto lib/ssh lib/conf lib/tlog \
	   lib/statement lib/trust lib/bundle lib/key lib/blob lib/store \
	   lib/ledger lib/net lib/notify lib/cli lib/front lib/keeper ca/issue ca/common ca/signer \
	   ca/keeper ca/daemon ca/audit ca/client \
	   agent/fleet agent/states agent/logins agent/minion agent/master \
	   agent/client
# ca/daemon/main.c is writ-ca, main_NAME.c is writ-ca-NAME, the same of
# agent/master and writ-master, of agent/minion and writ-agent: programs, not
# parts of the library.
main_c	:= $(sort $(wildcard ca/daemon/main*.c agent/master/main*.c \
	   agent/minion/main*.c))
core_c	:= $(filter-out $(main_c),$(foreach d,$(rooms),$(sort $(wildcard $(d)/*.c))))
writ_c	:= $(sort $(wildcard ca/cli/*.c))
fleet_c	:= $(sort $(wildcard agent/cli/*.c))
test_c	:= $(sort $(wildcard tests/unit/test_*.c))
testlib_c := $(sort $(filter-out $(test_c),$(wildcard tests/unit/*.c)))
fuzz_c	:= $(sort $(wildcard tests/fuzz/fuzz_*.c))
fuzzlib_c := tests/fuzz/files.c
tool_c	:= $(sort $(wildcard tests/tools/*.c))
# tests/tools/NAME/*.c are the parts of one tool, with a main.c among them.
tool_d	:= $(patsubst tests/tools/%/main.c,%,$(wildcard tests/tools/*/main.c))
toolpart_c := $(sort $(wildcard $(tool_d:%=tests/tools/%/*.c)))
preload_c := $(sort $(wildcard tests/tools/preload/*.c))
bench_c	:= $(sort $(wildcard tests/bench/bench_*.c))
obj	 = $(1:%.c=$(O)/%.o)

ca_programs := $(patsubst ca/daemon/main_%.c,$(O)/writ-ca-%,$(filter ca/daemon/main_%,$(main_c)))
agent_programs := $(patsubst agent/minion/main_%.c,$(O)/writ-agent-%,$(filter agent/minion/main_%,$(main_c)))
master_programs := $(patsubst agent/master/main_%.c,$(O)/writ-master-%,$(filter agent/master/main_%,$(main_c)))
programs := $(O)/writ $(O)/writ-ca $(ca_programs) $(O)/writ-fleet \
	   $(O)/writ-agent $(agent_programs) $(O)/writ-master $(master_programs)
tests	:= $(test_c:tests/unit/%.c=$(O)/tests/%)
tools	:= $(tool_c:tests/tools/%.c=$(O)/tools/%) $(tool_d:%=$(O)/tools/%) \
	   $(preload_c:tests/tools/preload/%.c=$(O)/tools/%.so)
benches	:= $(bench_c:tests/bench/%.c=$(O)/bench/%)
fuzzers	:= $(fuzz_c:tests/fuzz/%.c=$(O)/fuzz/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all programs unit-programs tools benches fuzzers check unit interop \
	system fault-sample fault fuzz fuzz-replay browser servers bench demo \
	deps lint lint-flags headers layers format man asan coverage install dist clean

all: programs
programs: $(programs)
unit-programs: $(tests)
tools: $(tools)
benches: $(benches)
fuzzers: $(fuzzers)

# Flags of a build directory are kept; when they change, it is built anew.
flags_now := $(CC) $(all_cflags) $(all_ldflags)
$(O)/.flags: FORCE
	@mkdir -p $(O)
	@printf '%s\n' '$(subst ','\'',$(flags_now))' | cmp -s - $@ || \
	    printf '%s\n' '$(subst ','\'',$(flags_now))' >$@
FORCE:

$(O)/%.o: %.c $(O)/.flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(all_cflags) -MMD -MP -c -o $@ $<

# Built anew: ar would keep members of files that are gone, and replace those of
# one base name in two rooms, hence q and not r.
$(O)/libwrit.a: $(call obj,$(core_c))
	$(call say,AR)rm -f $@ && $(AR) qcs $@ $^

$(O)/writ: $(call obj,$(writ_c)) $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(O)/writ-ca: $(O)/ca/daemon/main.o $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(ca_programs): $(O)/writ-ca-%: $(O)/ca/daemon/main_%.o $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(agent_programs): $(O)/writ-agent-%: $(O)/agent/minion/main_%.o $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(O)/writ-master: $(O)/agent/master/main.o $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(master_programs): $(O)/writ-master-%: $(O)/agent/master/main_%.o $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(O)/writ-fleet: $(call obj,$(fleet_c)) $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

$(O)/writ-agent: $(O)/agent/minion/main.o $(O)/libwrit.a
	$(call say,LD)$(CC) $(all_ldflags) -Wl,--as-needed -o $@ $^ $(libs)

# Tests fail chosen allocations, so they see malloc and its kin wrapped
# (tests/unit/alloc.c), and the clock (tests/unit/ahead.c); the programs do not.
wrap	:= -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup,--wrap=strndup,--wrap=asprintf,--wrap=vasprintf,--wrap=clock_now
$(O)/tests/%: $(O)/tests/unit/%.o $(call obj,$(testlib_c)) $(O)/libwrit.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(all_ldflags) $(wrap) -o $@ $^ $(libs) -lcmocka

$(O)/tools/%: $(O)/tests/tools/%.o $(O)/libwrit.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(all_ldflags) -o $@ $^ $(libs)

$(foreach d,$(tool_d),$(eval $(O)/tools/$d: $(call obj,$(filter tests/tools/$d/%,$(toolpart_c)))))
$(tool_d:%=$(O)/tools/%): $(O)/libwrit.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(all_ldflags) -o $@ $(filter %.o,$^) $< $(libs)

# For LD_PRELOAD, into whatever program: no sanitizer and nothing of ours.
$(O)/tools/%.so: tests/tools/preload/%.c $(O)/.flags
	@mkdir -p $(@D)
	$(call say,SO)$(CC) $(std) $(warn) $(WERROR) $(CFLAGS) -fPIC -shared \
	    -o $@ $< -ldl

$(O)/bench/%: $(O)/tests/bench/%.o $(O)/libwrit.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(all_ldflags) -o $@ $^ $(libs)

# With FUZZER set (make fuzz) libFuzzer drives; else tests/fuzz/replay.c reads
# files, so that the corpus is replayed with any compiler.
$(O)/fuzz/%: $(O)/tests/fuzz/%.o $(if $(FUZZER),,$(O)/tests/fuzz/replay.o) \
    $(call obj,$(fuzzlib_c)) $(O)/libwrit.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(all_ldflags) $(FUZZER) -o $@ $^ $(libs)

# --- running -----------------------------------------------------------------
deps:
	packaging/install-deps

check:
	tests/check

unit: $(tests)
	tests/run-unit $(tests)

asan:
	$(Q)O=$(O)-asan SAN=address,undefined CFLAGS='-O1 -g' \
	    tests/check build unit fuzz interop

fuzz:
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) tests/fuzz/run

fuzz-replay: $(fuzzers)
	tests/fuzz/replay $(fuzzers)

interop: programs tools
	O=$(O) tests/interop/run

system: programs tools
	O=$(O) tests/system/run

fault: programs tools
	O=$(O) tests/fault/run all

fault-sample: programs tools
	O=$(O) tests/fault/run sample

browser: programs
	packaging/install-deps browser
	O=$(O) tests/browser/run

servers: programs tools
	packaging/install-deps servers
	O=$(O) tests/servers/run

bench:
	O=$(O) tests/bench/run

demo:
	O=$(O) tests/demo/demo

# Tests fork and jump out of functions, which leaves some branches with counts
# below 0; gcovr passes over those, not over their lines.
coverage:
	$(Q)$(MAKE) O=$(O)-cov COV=1 CFLAGS='-O0 -g' unit
	gcovr -r . --object-directory $(O)-cov --exclude tests/ \
	    --gcov-ignore-parse-errors --print-summary \
	    2>$(O)-cov/gcovr.err || { cat $(O)-cov/gcovr.err >&2; exit 1; }

# --- lint --------------------------------------------------------------------
headers_h := $(sort $(wildcard lib/*/*.h ca/*/*.h agent/*/*.h))
lint:
	tests/lint/run

# For tools that read sources and build nothing.
lint-flags:
	@echo $(std) $(warn) $(inc)

# Each header compiles alone.
headers: $(headers_h:%=$(O)/%.ok)
$(O)/%.h.ok: %.h $(O)/.flags
	@mkdir -p $(@D)
	$(call say,HDR)$(CC) $(all_cflags) -x c -fsyntax-only $< && touch $@

layers:
	tests/lint/layers

format:
	clang-format -i $(core_c) $(writ_c) $(fleet_c) $(main_c) $(test_c) $(testlib_c) $(fuzz_c) $(fuzzlib_c) $(tool_c) $(toolpart_c) $(preload_c) $(bench_c)

man:
	mandoc -Tlint -Wwarning $(sort $(wildcard */*.[1-8] */*/*.[1-8]))

# People type writ, writ-ca, writ-master and writ-agent; what those and systemd start is in
# libexec.  Units say /usr, and get PREFIX.
install_bin := $(O)/writ $(O)/writ-ca $(O)/writ-master $(O)/writ-agent
install_libexec := $(filter-out $(install_bin),$(programs))
install: programs
	install -d $(foreach d,bin libexec/writ lib/systemd/system \
	    lib/sysusers.d lib/tmpfiles.d share/man/man1 share/man/man5 \
	    share/man/man7 share/man/man8 share/bash-completion/completions \
	    share/zsh/site-functions, \
	    $(DESTDIR)$(PREFIX)/$(d))
	install -m 755 $(install_bin) $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(install_libexec) $(DESTDIR)$(PREFIX)/libexec/writ/
	install -m 644 $(wildcard ca/cli/*.1 agent/cli/*.1) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(wildcard lib/trust/*.5 ca/common/*.5 agent/fleet/*.5) $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 $(wildcard lib/tlog/*.7) $(DESTDIR)$(PREFIX)/share/man/man7/
	install -m 644 $(wildcard ca/daemon/*.8 agent/minion/*.8 agent/master/*.8) $(DESTDIR)$(PREFIX)/share/man/man8/
	for f in $(filter writ-ca-%,$(notdir $(install_libexec))); do \
	    ln -sf writ-ca.8 $(DESTDIR)$(PREFIX)/share/man/man8/$$f.8; \
	done
	for f in $(filter writ-master-%,$(notdir $(install_libexec))); do \
	    ln -sf writ-master.8 $(DESTDIR)$(PREFIX)/share/man/man8/$$f.8; \
	done
	ln -sf writ.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/notify.yaml.5
	for f in $(notdir $(wildcard packaging/systemd/*.service packaging/systemd/*.socket packaging/systemd/*.target packaging/systemd/*.timer)); do \
	    sed 's,/usr/libexec,$(PREFIX)/libexec,;s,/usr/bin/writ,$(PREFIX)/bin/writ,' packaging/systemd/$$f \
	        >$(DESTDIR)$(PREFIX)/lib/systemd/system/$$f && \
	    chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/$$f; \
	done
	for f in ca master agent audit; do \
	    install -m 644 packaging/systemd/writ-$$f.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/writ-$$f.conf || exit 1; \
	done
	for f in ca master; do \
	    install -m 644 packaging/systemd/writ-$$f.tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/writ-$$f.conf || exit 1; \
	done
	install -m 644 packaging/completion/writ.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/writ
	install -m 644 packaging/completion/_writ \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/

version	 = $(shell sed -n 's/.*WRIT_VERSION "\(.*\)"/\1/p' lib/cli/version.h)
dist:
	git archive --prefix=writ-$(version)/ -o writ-$(version).tar.gz HEAD

clean:
	rm -rf $(O) $(O)-asan $(O)-cov $(O)-fuzz $(O)-lint

-include $(shell find $(O) -path $(O)/lab -prune -o -name '*.d' -print 2>/dev/null)
