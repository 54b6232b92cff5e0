# SPDX-License-Identifier: EPL-2.0
# The unit tests, for Makefile.am.

# A unit test is tests/unit/FOLDER/test_X.c, for src/FOLDER/X, and a line here.
unit_tests = \
	tests/unit/api/test_api \
	tests/unit/api/test_api_rules \
	tests/unit/api/test_batch \
	tests/unit/api/test_condition \
	tests/unit/api/test_key_list \
	tests/unit/api/test_listing \
	tests/unit/api/test_probe \
	tests/unit/api/test_query \
	tests/unit/auth/test_rules \
	tests/unit/auth/test_token \
	tests/unit/auth/test_token_cache \
	tests/unit/auth/test_token_issue \
	tests/unit/auth/test_token_syntax \
	tests/unit/base/test_arena \
	tests/unit/base/test_buf \
	tests/unit/base/test_date \
	tests/unit/base/test_digest \
	tests/unit/base/test_line_reader \
	tests/unit/base/test_log \
	tests/unit/base/test_log_repeat \
	tests/unit/base/test_loop \
	tests/unit/base/test_random_id \
	tests/unit/base/test_str \
	tests/unit/base/test_textfile \
	tests/unit/base/test_utf8 \
	tests/unit/client/test_arguments \
	tests/unit/client/test_display \
	tests/unit/client/test_progress \
	tests/unit/client/test_row \
	tests/unit/codec/test_base64 \
	tests/unit/codec/test_base64url \
	tests/unit/codec/test_json \
	tests/unit/codec/test_kvlist \
	tests/unit/codec/test_percent \
	tests/unit/codec/test_toml \
	tests/unit/codec/test_uuid \
	tests/unit/config/test_config \
	tests/unit/config/test_config_secrets \
	tests/unit/config/test_environment_file \
	tests/unit/config/test_otelenv \
	tests/unit/config/test_setting \
	tests/unit/config/test_snapshot \
	tests/unit/http/test_accept_field \
	tests/unit/http/test_cors \
	tests/unit/http/test_etag \
	tests/unit/http/test_fcgi_record \
	tests/unit/http/test_request \
	tests/unit/http/test_response \
	tests/unit/http/test_route \
	tests/unit/http/test_traceparent \
	tests/unit/migrate/test_db \
	tests/unit/migrate/test_line \
	tests/unit/migrate/test_reader \
	tests/unit/os/test_landlock \
	tests/unit/os/test_peer_users \
	tests/unit/os/test_syscalls \
	tests/unit/pg/test_attempt \
	tests/unit/pg/test_connect_race \
	tests/unit/pg/test_connect_thread \
	tests/unit/pg/test_conninfo \
	tests/unit/pg/test_db_clock \
	tests/unit/pg/test_dbconn \
	tests/unit/pg/test_gather \
	tests/unit/pg/test_list_pool \
	tests/unit/pg/test_pace \
	tests/unit/pg/test_pipeline_batch \
	tests/unit/pg/test_pipeline_load \
	tests/unit/pg/test_pipeline_pool \
	tests/unit/pg/test_pipeline_result \
	tests/unit/pg/test_reconnect_delay \
	tests/unit/pg/test_sqlstate \
	tests/unit/pg/test_statement \
	tests/unit/pg/test_transaction \
	tests/unit/server/test_conn \
	tests/unit/server/test_conn_answers \
	tests/unit/server/test_conn_bodies \
	tests/unit/server/test_request_log \
	tests/unit/store/test_key_proof \
	tests/unit/store/test_key_range \
	tests/unit/store/test_keyring \
	tests/unit/store/test_seal \
	tests/unit/store/test_store_sealed \
	tests/unit/store/test_ticket_queue \
	tests/unit/store/test_xaes \
	tests/unit/telemetry/test_metrics \
	tests/unit/telemetry/test_otlp \
	tests/unit/telemetry/test_prometheus \
	tests/unit/telemetry/test_trace
check_PROGRAMS = $(unit_tests)
check_LIBRARIES = tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = \
	tests/unit/lib/api_world.c \
	tests/unit/lib/api_world.h \
	tests/unit/lib/bearer.c \
	tests/unit/lib/bearer.h \
	tests/unit/lib/config_world.c \
	tests/unit/lib/config_world.h \
	tests/unit/lib/jws.c \
	tests/unit/lib/jws.h \
	tests/unit/lib/keys.c \
	tests/unit/lib/keys.h \
	tests/unit/lib/store_mem.c \
	tests/unit/lib/store_mem.h \
	tests/unit/lib/tap.c \
	tests/unit/lib/tap.h \
	tests/unit/lib/vault.c \
	tests/unit/lib/vault.h \
	tests/unit/lib/web.c \
	tests/unit/lib/web.h
LDADD = tests/unit/libunit.a libhulykvs.a $(LIBPQ_LIBS) $(SSL_LIBS) $(LIBJWT_LIBS) $(CJSON_LIBS) $(CRYPTO_LIBS) $(SECCOMP_LIBS) $(CURL_LIBS)

# The modules that use libfcgi are linked to the program that replaces its OS layer, see hulykvs_LDFLAGS.
conn_sources = \
	src/http/fcgi_conn.c \
	src/http/fcgi_conn.h \
	src/server/conn.c \
	src/server/conn.h \
	src/server/conn_state.c \
	src/server/conn_state.h
tests_unit_server_test_conn_SOURCES = tests/unit/server/test_conn.c $(conn_sources)
tests_unit_server_test_conn_LDADD = $(LDADD) $(FCGI_LIBS)
tests_unit_server_test_conn_LDFLAGS = $(hulykvs_LDFLAGS)
tests_unit_server_test_conn_answers_SOURCES = tests/unit/server/test_conn_answers.c $(conn_sources)
tests_unit_server_test_conn_answers_LDADD = $(LDADD) $(FCGI_LIBS)
tests_unit_server_test_conn_answers_LDFLAGS = $(hulykvs_LDFLAGS)
tests_unit_server_test_conn_bodies_SOURCES = tests/unit/server/test_conn_bodies.c $(conn_sources)
tests_unit_server_test_conn_bodies_LDADD = $(LDADD) $(FCGI_LIBS)
tests_unit_server_test_conn_bodies_LDFLAGS = $(hulykvs_LDFLAGS)

# What uses connections is linked to a libpq without a database, in front of the library.
fake_libpq = \
	tests/unit/lib/fake_connect_thread.c \
	tests/unit/lib/fake_connect_thread.h \
	tests/unit/lib/fake_libpq.c \
	tests/unit/lib/fake_libpq.h \
	tests/unit/lib/pg_world.c \
	tests/unit/lib/pg_world.h
pool_world = \
	tests/unit/lib/pool_world.c \
	tests/unit/lib/pool_world.h \
	$(fake_libpq)
tests_unit_pg_test_list_pool_SOURCES = tests/unit/pg/test_list_pool.c $(fake_libpq)
tests_unit_pg_test_pipeline_batch_SOURCES = tests/unit/pg/test_pipeline_batch.c $(pool_world)
tests_unit_pg_test_pipeline_load_SOURCES = tests/unit/pg/test_pipeline_load.c $(pool_world)
tests_unit_pg_test_pipeline_pool_SOURCES = tests/unit/pg/test_pipeline_pool.c $(pool_world)
tests_unit_pg_test_pipeline_result_SOURCES = tests/unit/pg/test_pipeline_result.c $(fake_libpq)
tests_unit_pg_test_transaction_SOURCES = tests/unit/pg/test_transaction.c $(fake_libpq)

# What makes connections has the real libpq, and hosts of ours.
pg_peer = \
	tests/unit/lib/pg_peer.c \
	tests/unit/lib/pg_peer.h
tests_unit_pg_test_connect_race_SOURCES = tests/unit/pg/test_connect_race.c $(pg_peer)
tests_unit_pg_test_connect_thread_SOURCES = tests/unit/pg/test_connect_thread.c $(pg_peer)
tests_unit_pg_test_dbconn_SOURCES = tests/unit/pg/test_dbconn.c $(pg_peer)
tests_unit_migrate_test_db_SOURCES = \
	tests/unit/migrate/test_db.c \
	src/migrate/backend.c \
	src/migrate/backend_cockroachdb.c \
	src/migrate/backend_postgresql.c \
	src/migrate/cell.c \
	src/migrate/db.c \
	src/migrate/progress.c \
	src/migrate/purge.c \
	src/migrate/scan.c \
	src/migrate/script.c \
	src/migrate/session.c \
	src/migrate/state.c \
	$(pg_peer)

check-local:
	@for file in $(srcdir)/tests/unit/*/test_*.c; do \
		name=$${file#$(srcdir)/}; \
		case " $(unit_tests) " in *" $${name%.c} "*) ;; \
		*) echo "$$name is not among the unit_tests of tests/unit/unit.mk" >&2; exit 1 ;; esac; \
	done
