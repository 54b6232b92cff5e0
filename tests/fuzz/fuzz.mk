# SPDX-License-Identifier: EPL-2.0
# Builds the fuzz targets into the current directory: make -f …/fuzz.mk
top := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
CLANG ?= clang
packages := libpq libjwt libcjson libssl libcrypto libcurl
sanitizers := address,undefined
flags := -std=c17 -D_GNU_SOURCE -pthread -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -MMD -MP \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror \
	-I$(top)/src -I$(top)/tests/unit -I. $(shell pkg-config --cflags $(packages))

targets := $(patsubst $(top)/tests/fuzz/%.c,%,$(wildcard $(top)/tests/fuzz/fuzz_*.c))
modules := $(filter-out program/main.c program/migrate_main.c program/migrate_options.c migrate/%,$(patsubst $(top)/src/%,%,$(wildcard $(top)/src/*/*.c)))
objects := $(addprefix src/,$(modules:.c=.o)) src/openapi_document.o src/sql_files.o src/store_mem.o

.PHONY: all
.SECONDARY:
all: $(targets)

config_build.h: # in place of configure's
	echo '#define PACKAGE_VERSION "0"' >$@
src/%.o: $(top)/src/%.c | config_build.h
	@mkdir -p $(@D)
	$(CLANG) $(flags) -fsanitize=fuzzer-no-link,$(sanitizers) -c -o $@ $<
src/store_mem.o: $(top)/tests/unit/lib/store_mem.c | config_build.h
	@mkdir -p $(@D)
	$(CLANG) $(flags) -fsanitize=fuzzer-no-link,$(sanitizers) -c -o $@ $<
sql_files.c: $(top)/build-aux/embed-sql $(wildcard $(top)/sql/*/*.sql)
	$(top)/build-aux/embed-sql $(top)/sql >$@.tmp && mv $@.tmp $@
openapi_document.c: $(top)/build-aux/embed-openapi $(top)/deploy/openapi.json
	$(top)/build-aux/embed-openapi $(top)/deploy/openapi.json >$@.tmp && mv $@.tmp $@
src/openapi_document.o: openapi_document.c | config_build.h
	@mkdir -p $(@D)
	$(CLANG) $(flags) -c -o $@ $<
src/sql_files.o: sql_files.c | config_build.h
	@mkdir -p $(@D)
	$(CLANG) $(flags) -c -o $@ $<
libfuzzed.a: $(objects)
	rm -f $@ && ar rcs $@ $^
fuzz_%.o: $(top)/tests/fuzz/fuzz_%.c | config_build.h
	$(CLANG) $(flags) -fsanitize=fuzzer-no-link,$(sanitizers) -c -o $@ $<
# libfcgi finds our OS_Read and OS_Write only in the dynamic symbol table.
fuzz_%: fuzz_%.o libfuzzed.a
	$(CLANG) -pthread -g -fsanitize=fuzzer,$(sanitizers) -rdynamic -o $@ $^ \
		$(shell pkg-config --libs $(packages)) -lfcgi

-include $(wildcard *.d src/*.d src/*/*.d)
