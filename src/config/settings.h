/* SPDX-License-Identifier: EPL-2.0 */
/*
 * settings: the one table of settings.  config reads them, --help prints
 * them, and a test compares docs/settings.md and the man page with this table.
 *
 * X(member, TYPE, WHEN, "NAME", "default", "help")
 *   member   field of struct config, and the key in etc/config.toml
 *   TYPE     how it is written and kept, see setting.h
 *   WHEN     START: read when the program starts; HUP: the signal reads it
 *            again in a running program, with the file that it names
 *   NAME     environment variable
 *
 * A SECRET or SPARE may come from a file of its own: NAME_FILE (member_file)
 * is its path.  The first seven are the original's, to the letter.  OTEL_* are
 * OpenTelemetry's own: a wrong value is warned of, and the default taken.
 */
#ifndef HULYKVS_SETTINGS_H
#define HULYKVS_SETTINGS_H

#define SETTINGS_FILE "etc/config.toml" /* in the working directory */

#define SETTINGS(X) \
	X(db_connection, SECRET, START, "HULY_DB_CONNECTION", \
	    "postgresql://root@huly.local:26257/defaultdb?sslmode=disable", \
	    "database, as a URL or as key=value pairs of libpq") \
	X(db_scheme, IDENTIFIER, START, "HULY_DB_SCHEME", "hulykvs", "schema that holds the tables") \
	X(token_secret, SECRET, HUP, "HULY_TOKEN_SECRET", "secret", "key that signs the tokens (HS256)") \
	X(bind_host, ADDRESS, START, "HULY_BIND_HOST", "0.0.0.0", "address that the web server listens on") \
	X(bind_port, PORT, START, "HULY_BIND_PORT", "8094", "port that the web server listens on") \
	X(payload_size_limit, SIZE, START, "HULY_PAYLOAD_SIZE_LIMIT", "2Mb", \
	    "largest value; kb and mb are decimal, KiB and MiB binary") \
	X(default_workspace_uuid, UUID, START, "HULY_DEFAULT_WORKSPACE_UUID", "11111111-2222-3333-4444-555555555555", \
	    "workspace of the /api routes") \
	X(encryption_mode, SEALING, START, "HULY_ENCRYPTION_MODE", "off", \
	    "whether values are sealed: off, on, or required (and refused where they are not)") \
	X(encryption_keys_file, FILE, HUP, "HULY_ENCRYPTION_KEYS_FILE", "off", \
	    "file of the keys that values are sealed with, or off") \
	X(encryption_namespaces, NAMESPACES, START, "HULY_ENCRYPTION_NAMESPACES", "all", \
	    "namespaces whose values are sealed, with commas between them, or all") \
	X(log_level, LEVEL, HUP, "HULY_LOG_LEVEL", "info", "error, warn, info or debug") \
	X(log_format, FORMAT, HUP, "HULY_LOG_FORMAT", "logfmt", "logfmt or json") \
	X(access_log, SWITCH, HUP, "HULY_ACCESS_LOG", "on", "a line in the log for each request, at level info") \
	X(log_client_address, SWITCH, HUP, "HULY_LOG_CLIENT_ADDRESS", "off", \
	    "the client's address in the log line of a request that is refused for its token; personal data") \
	X(metrics_bind, LISTENER, START, "HULY_METRICS_BIND", "127.0.0.1:9464", \
	    "address and port that the web server answers operators on, or off") \
	X(allowed_peers, PEERS, START, "HULY_ALLOWED_PEERS", "any", \
	    "users that may connect to the unix socket: any, or names and numbers with commas between") \
	X(sandbox, SANDBOX, START, "HULY_SANDBOX", "off", \
	    "confinement to the files and system calls that serving takes: off, on, require or trap") \
	X(sandbox_read, PATHS, START, "HULY_SANDBOX_READ", "none", \
	    "further files and directories that it may read: none, or paths with colons between") \
	X(sandbox_connect, PORTS, START, "HULY_SANDBOX_CONNECT", "none", \
	    "further TCP ports that it may connect to while confined: none, or numbers with commas between") \
	X(workers, COUNT, START, "HULY_WORKERS", "1", "threads that serve requests") \
	X(db_list_connections, COUNT, START, "HULY_DB_LIST_CONNECTIONS", "4", \
	    "most database connections that lists may use, in each worker") \
	X(db_connections, COUNT, START, "HULY_DB_CONNECTIONS", "11", \
	    "most database connections for reads and writes together, in each worker; at least 2") \
	X(db_connection_lifetime, LIFETIME, START, "HULY_DB_CONNECTION_LIFETIME", "auto", \
	    "seconds after which a connection is exchanged, or off; auto: 600 on CockroachDB, else off") \
	X(db_compression, COMPRESS, START, "HULY_DB_COMPRESSION", "lz4", \
	    "compression of large values in PostgreSQL: lz4 if it can, or default; hulykvs-migrate sets it") \
	X(db_prepared, SWITCH, START, "HULY_DB_PREPARED", "on", \
	    "named prepared statements; off behind PgBouncer before 1.21") \
	X(request_timeout, SECONDS, START, "HULY_REQUEST_TIMEOUT", "10", "longest wait of a request, in seconds") \
	X(statement_timeout, SECONDS, START, "HULY_STATEMENT_TIMEOUT", "5", \
	    "longest run of a statement in the database, in seconds") \
	X(body_budget, SIZE, START, "HULY_BODY_BUDGET", "128MiB", "most bytes of request bodies in memory at once") \
	X(other_db_connection, SPARE, START, "HULY_OTHER_DB_CONNECTION", "", \
	    "database that hulykvs-migrate compares with; the service does not use it") \
	X(token_secret_previous, SPARE, HUP, "HULY_TOKEN_SECRET_PREVIOUS", "", \
	    "key that signed the tokens until now; taken too") \
	X(require_strong_secret, SWITCH, HUP, "HULY_REQUIRE_STRONG_SECRET", "off", \
	    "refuse the default token secret, and those of less than 32 bytes") \
	X(access_rules, FILE, HUP, "HULY_ACCESS_RULES", "off", \
	    "file that says who may do what in which namespaces, or off") \
	X(access_default, VERDICT, HUP, "HULY_ACCESS_DEFAULT", "allow", \
	    "what holds where no rule does: allow or deny") \
	X(core_dumps, SWITCH, START, "HULY_CORE_DUMPS", "on", "off: a crash leaves no core, and no debugger attaches") \
	X(otel_mode, OTEL_MODE, START, "HULY_OTEL_MODE", "off", \
	    "traces and metrics for OpenTelemetry: on, stdout or off") \
	X(otel_sdk_disabled, OTEL_TRUTH, START, "OTEL_SDK_DISABLED", "false", "true: as if HULY_OTEL_MODE were off") \
	X(otel_service_name, OTEL_NAME, START, "OTEL_SERVICE_NAME", "", \
	    "name of the service; else that of the attributes, or hulykvs") \
	X(otel_resource_attributes, OTEL_ATTRIBUTES, START, "OTEL_RESOURCE_ATTRIBUTES", "", \
	    "attributes of the service: name=value,name=value, percent-encoded") \
	X(otel_traces_sampler, OTEL_SAMPLER, START, "OTEL_TRACES_SAMPLER", "parentbased_always_on", \
	    "requests that are traced: always_on, always_off, traceidratio, or one of these after parentbased_") \
	X(otel_traces_sampler_arg, OTEL_RATIO, START, "OTEL_TRACES_SAMPLER_ARG", "1", \
	    "share that traceidratio takes, 0 to 1") \
	X(otel_exporter_otlp_endpoint, OTEL_URL, START, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", \
	    "collector; v1/traces and v1/metrics below it are used") \
	X(otel_exporter_otlp_traces_endpoint, OTEL_URL, START, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "", \
	    "where traces go instead, as it is") \
	X(otel_exporter_otlp_metrics_endpoint, OTEL_URL, START, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "", \
	    "where metrics go instead, as it is") \
	X(otel_exporter_otlp_headers, OTEL_HEADERS, START, "OTEL_EXPORTER_OTLP_HEADERS", "", \
	    "headers for the collector: name=value,name=value, percent-encoded") \
	X(otel_exporter_otlp_timeout, OTEL_MILLIS, START, "OTEL_EXPORTER_OTLP_TIMEOUT", "10000", \
	    "longest time for a batch, repetitions included, in milliseconds") \
	X(otel_bsp_schedule_delay, OTEL_MILLIS, START, "OTEL_BSP_SCHEDULE_DELAY", "5000", \
	    "longest time until a span is sent, in milliseconds") \
	X(otel_bsp_max_queue_size, OTEL_QUEUE, START, "OTEL_BSP_MAX_QUEUE_SIZE", "2048", \
	    "most traced requests that wait to be sent, in each worker") \
	X(otel_metric_export_interval, OTEL_MILLIS, START, "OTEL_METRIC_EXPORT_INTERVAL", "60000", \
	    "time between two sendings of metrics, in milliseconds")

#endif
