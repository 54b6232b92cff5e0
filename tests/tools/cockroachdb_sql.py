# SPDX-License-Identifier: EPL-2.0
"""What CockroachDB makes of a statement, as far as its documentation says it, and how PostgreSQL is asked for the same.

A Statement is made once for each text.  It says what kind of statement it is, with which SQLSTATE CockroachDB 24.1 to
25.4 refuses it, and what stands for it on PostgreSQL.
"""
import re

VERSION = "CockroachDB CCL v24.1.0 (simulated)"

# Settings of CockroachDB that PostgreSQL does not have.  They are kept under a prefix, as settings of nobody.
OWN_SETTINGS = ("sql_safe_updates", "default_transaction_use_follower_reads", "results_buffer_size",
                "idle_in_session_timeout", "autocommit_before_ddl", "enable_implicit_transaction_for_batch_statements",
                "enable_insert_fast_path", "default_int_size", "serial_normalization")
PREFIX = "cockroachdb."

# Settings of PostgreSQL that CockroachDB does not have.
FOREIGN_SETTINGS = (r"enable_(?:seqscan|bitmapscan|indexscan|indexonlyscan|hashjoin|mergejoin|nestloop|sort|material)|jit"
                    r"|client_connection_check_interval|default_toast_compression|work_mem|maintenance_work_mem"
                    r"|wal_compression|commit_delay|tcp_user_timeout|synchronous_standby_names")

# What is refused, with which SQLSTATE; looked for in the text without comments.
REFUSED = tuple((re.compile(pattern, re.I | re.S), code, why) for pattern, code, why in (
    (r"\bpg_(?:terminate|cancel)_backend\s*\(", "42883", "unknown function: pg_terminate_backend()"),
    (r"\bhashtextextended\s*\(", "42883", "unknown function: hashtextextended()"),
    (r"\bpg_column_compression\s*\(", "42883", "unknown function: pg_column_compression()"),
    (r"\block\s+table\b", "42601", "at or near \"lock\": syntax error"),
    (r"^\s*do\s+(?:\$|'|language)", "42601", "at or near \"do\": syntax error"),
    (r"\bset\s+(?:session\s+|local\s+)?(?:%s)\b" % FOREIGN_SETTINGS, "42704", "unrecognized configuration parameter"),
    (r"\bset_config\s*\(\s*'(?:%s)'" % FOREIGN_SETTINGS, "42704", "unrecognized configuration parameter"),
    (r"\b(?:xmax|xmin|ctid|cmin|cmax)\b", "42703", "column \"ctid\" does not exist"),
    (r"\bcreate\s+domain\b", "0A000", "unimplemented: this syntax"),
    (r"\bset\s+compression\b", "42601", "at or near \"compression\": syntax error"),
    (r"\bcreate\s+(?:or\s+replace\s+)?(?:event\s+)?trigger\b", "0A000", "unimplemented: CREATE TRIGGER"),
    (r"\bpg_stat_progress_create_index\b", "42P01", "relation \"pg_stat_progress_create_index\" does not exist"),
    (r"\bprimary\s+key\s+using\s+index\b", "42601", "at or near \"using\": syntax error"),
    (r"\bdrop\s+constraint\s+(?:if\s+exists\s+)?\S*pkey\b(?!.*\badd\s+constraint\b)", "0A000",
     "unimplemented: primary key dropped without subsequent addition of new primary key in same transaction"),
    (r"^\s*vacuum\b", "42601", "at or near \"vacuum\": syntax error"),
    (r"^\s*(?:listen|notify)\b", "0A000", "unimplemented: this syntax"),
    (r"\bregcollation\b", "42704", "type \"regcollation\" does not exist"),
))

COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
FIRST_WORD = re.compile(r"\s*\(*\s*([a-z]+)", re.I)
WRITES = re.compile(r"\b(?:insert\s+into|update\s+\S+\s+(?:as\s+\w+\s+|\w+\s+)?set|delete\s+from|upsert\s+into)\b", re.I)
KINDS = {"insert": "write", "update": "write", "delete": "write", "upsert": "write", "create": "ddl", "alter": "ddl",
         "drop": "ddl", "truncate": "ddl", "comment": "ddl", "grant": "ddl", "revoke": "ddl", "begin": "transaction",
         "start": "transaction", "commit": "transaction", "end": "transaction", "rollback": "transaction",
         "abort": "transaction", "savepoint": "transaction", "release": "transaction", "set": "session",
         "reset": "session", "show": "session", "discard": "session", "deallocate": "session", "cancel": "session"}

PRIMARY_KEY = re.compile(r"alter\s+table\s+(\S+)\s+alter\s+primary\s+key\s+using\s+columns\s+\((.*?)\)", re.I | re.S)
DROP_INDEX = re.compile(r"drop\s+index\s+(if\s+exists\s+)?(\S+)@(\w+)(\s+cascade)?", re.I)
ON_UPDATE = re.compile(r"alter\s+table\s+(\S+)\s+alter\s+(?:column\s+)?(\w+)\s+set\s+on\s+update\s+now\(\)", re.I)
CHANGE = re.compile(r"(?:alter\s+table|create\s+(?:unique\s+)?index\b.*?\bon|drop\s+index)\s+(?:if\s+exists\s+)?([\w.\"]+)", re.I | re.S)
LIMIT = re.compile(r"\blimit\s+\$(\d+)", re.I)
COLLATE = re.compile(r"\bcollate\b", re.I)
# A setting of a role, as a session keeps it: the name that the simulator has for it, and when it is on.
SWITCHES = tuple((name, re.compile(r"\b%s\b['\"]?\s*(?:=|to|,)\s*'?(\w+)" % setting, re.I), on) for name, setting, on in (
    ("safe_updates", "sql_safe_updates", ("on", "true", "yes", "1")),
    ("read_committed", "default_transaction_isolation", ("read",)),
    ("follower_reads", "default_transaction_use_follower_reads", ("on", "true", "yes", "1")),
    ("unlimited_idle", "idle_in_session_timeout", ("0",))))
CANCEL_SESSION = re.compile(r"^\s*cancel\s+session\s+(?:if\s+exists\s+)?('([0-9a-f]+)'|\$1)\s*;?\s*$", re.I)
SHOW_SESSION = re.compile(r"^\s*show\s+session_id\s*;?\s*$", re.I)
AS_OF = re.compile(r"\s+as\s+of\s+system\s+time\s+(?:'([^']*)'|[^\s;]*)", re.I)
AFTER_FROM = re.compile(r"\s*(?:;|$|(?:where|group|having|window|order|limit|offset|for|union|except|intersect)\b)", re.I)
LOCKS_ROWS = re.compile(r"\bfor\s+(?:no\s+key\s+update|update|share|key\s+share)\b", re.I)
ALIAS = re.compile(r"\s+as\s+(?!of\b)\w+", re.I)
TABLE = re.compile(r"\b(from|join)\s+(?:(\"(?:[^\"]|\"\")+\"|\w+)\.)?(\w+)\b(?!\s*[.(])", re.I)
TIME_NOW = re.compile(r"\bcluster_logical_timestamp\(\)", re.I)
ADVISORY = re.compile(r"\bpg_(?:try_)?advisory_(?:xact_)?(?:un)?lock(?:_shared|_all)?\s*\(", re.I)
ALL_ROWS = re.compile(r"^\s*(?:update|delete)\b(?!.*\bwhere\b)", re.I | re.S)


# The column is set by each update that does not name it.  Triggers of one event run in the order of their names.
ON_UPDATE_TRIGGER = r"""
create or replace function public.simulated_named() returns trigger language plpgsql as $simulated$
begin
    perform set_config('simulated.named', 'on', true);
    return new;
end $simulated$;
create or replace function public.simulated_on_update() returns trigger language plpgsql as $simulated$
begin
    if current_setting('simulated.named', true) = 'on' then
        perform set_config('simulated.named', 'off', true);
    else
        new.\2 := now();
    end if;
    return new;
end $simulated$;
drop trigger if exists simulated_1_named on \1;
drop trigger if exists simulated_2_on_update on \1;
create trigger simulated_1_named before update of \2 on \1 for each row execute function public.simulated_named();
create trigger simulated_2_on_update before update on \1 for each row execute function public.simulated_on_update()"""


def without_comments(sql):
    return COMMENTS.sub("", sql).strip()


def kind_of(text):
    """write, read, ddl, transaction or session."""
    word = FIRST_WORD.match(text)
    word = word[1].lower() if word else ""
    if word in ("with", "explain"):
        return "write" if WRITES.search(text) and word == "with" else "read"
    return KINDS.get(word, "read")


def statements_in(text):
    """How many statements a text without comments holds: semicolons outside of quotes."""
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|(\$\w*\$).*?\1", "", text, flags=re.S)
    return len([part for part in bare.split(";") if part.strip()])


def call_end(text, at):
    """Behind the parenthesis that closes the one that ends at `at`."""
    depth = 1
    while depth and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def wrong_time(text, kind):
    """(SQLSTATE, text) if AS OF SYSTEM TIME stands where it must not, or None."""
    found = AS_OF.search(text)
    if found is None:
        return None
    if kind != "read" or LOCKS_ROWS.search(text):
        return "25006", "cannot execute this in a read-only transaction"
    before = re.sub(r"'(?:[^']|'')*'", "", text[:found.start()])
    if before.count("(") != before.count(")"):
        return "42601", "AS OF SYSTEM TIME must be provided on a top-level statement"
    if not AFTER_FROM.match(text, found.end()):
        return "42601", "syntax error: AS OF SYSTEM TIME stands at the end of FROM"
    return None


def past(time):
    """The schema that holds the tables as they were then."""
    return f"simulated_{time}"


def keep_past(time):
    """What PostgreSQL is asked to keep its tables as they are now."""
    return f"""do $simulated$ declare t record; begin
        execute format('create schema %I', '{past(time)}');
        execute format('grant usage on schema %I to public', '{past(time)}');
        for t in select schemaname, tablename from pg_catalog.pg_tables
            where schemaname not like 'pg\\_%' and schemaname not like 'simulated\\_%' and schemaname <> 'information_schema'
        loop
            execute format('create table %1$I.%2$I (like %3$I.%4$I including all)', '{past(time)}',
                t.schemaname || '.' || t.tablename, t.schemaname, t.tablename);
            execute format('insert into %1$I.%2$I select * from %3$I.%4$I', '{past(time)}',
                t.schemaname || '.' || t.tablename, t.schemaname, t.tablename);
            execute format('grant select on %I.%I to public', '{past(time)}', t.schemaname || '.' || t.tablename);
        end loop; end $simulated$"""


def in_the_past(text, time):
    """Reads the tables that were kept."""
    def table(found):
        schema = (found[2] or "public").strip('"').replace('""', '"')
        return f'{found[1]} "{past(time)}"."{schema}.{found[3]}"' + ("" if ALIAS.match(text, found.end()) else f" as {found[3]}")
    return AS_OF.sub("", TABLE.sub(table, text))


def without_advisory_locks(text):
    """They answer true and lock nothing."""
    while found := ADVISORY.search(text):
        text = text[:found.start()] + "true" + text[call_end(text, found.end()):]
    return text


class Statement:
    """One text that a client has sent; skew: what the clock of the node is ahead, in milliseconds.  now: the time that
    the cluster answers with; times: those whose tables were kept."""

    def __init__(self, sql, session_id="", skew=0, now="", times=()):
        self.text = without_comments(sql)
        self.first_line = self.text.partition("\n")[0]
        self.kind = kind_of(self.text)
        self.count = statements_in(self.text)
        self.writes = self.kind in ("write", "ddl")
        self.begins = re.match(r"(?:begin|start)\b", self.text, re.I) is not None
        self.commits = re.match(r"(?:commit|end)\b", self.text, re.I) is not None
        self.refused = next(((code, why) for pattern, code, why in REFUSED if pattern.search(self.text)), None)
        self.limit = int(found[1]) if (found := LIMIT.search(self.text)) else 0
        self.collates = COLLATE.search(self.text) is not None
        self.all_rows = ALL_ROWS.search(self.text) is not None
        self.switches = {name: found[1].lower() in on for name, pattern, on in SWITCHES
                         if self.kind in ("session", "read") and (found := pattern.search(self.text))}
        self.asks_time = TIME_NOW.search(self.text) is not None
        self.cancels = CANCEL_SESSION.match(self.text)
        self.drops_index = DROP_INDEX.search(self.text)
        self.changes = found[1] if self.kind == "ddl" and (found := CHANGE.search(self.text)) else None
        found = AS_OF.search(self.text)
        self.now, self.time = now, found[1] or found[0] if found else None
        self.reads_table = self.kind == "read" and any(t[3].lower() == "kvs" for t in TABLE.finditer(self.text))
        self.refused = self.refused or wrong_time(self.text, self.kind)
        if found and not self.refused and self.time not in times:
            self.refused = "22023", f"AS OF SYSTEM TIME: {self.time} is in the future, or no time that was given out"
        self.sql = self.on_postgresql(session_id, skew, now)

    def on_postgresql(self, session_id, skew, now):
        """What PostgreSQL is asked in place of it."""
        sql = without_advisory_locks(self.text)
        if SHOW_SESSION.match(sql):
            return f"select '{session_id}'::text as session_id"
        if self.cancels:
            return "select 1 where $1::text is null" if self.cancels[1] == "$1" else "select 1 where false"
        if self.time:
            sql = in_the_past(sql, self.time)
        sql = TIME_NOW.sub(f"({now})::numeric(30, 10)", sql)
        sql = re.sub(r"(?:pg_catalog\.)?\bversion\(\)", f"'{VERSION}'::text", sql)
        sql = re.sub(r"::string\b", "::text", re.sub(r"::bytes\b", "::bytea", sql, flags=re.I), flags=re.I)
        sql = re.sub(r"\b(%s)\b" % "|".join(OWN_SETTINGS), PREFIX + r"\1", sql) if self.kind != "ddl" else sql
        if skew:
            sql = re.sub(r"\b(?:pg_catalog\.)?clock_timestamp\(\)",
                         f"(clock_timestamp() + interval '{skew} milliseconds')", sql)
        return self.change_on_postgresql(sql) if self.kind == "ddl" else sql

    @staticmethod
    def change_on_postgresql(sql):
        sql = re.sub(r"\bstring\b", "text", re.sub(r"\bbytes\b", "bytea", sql, flags=re.I), flags=re.I)
        sql = re.sub(r"\bindex\s+concurrently\b", "index", sql, flags=re.I)
        # The old key stays behind as a unique index, which is listed as a constraint, too.
        sql = PRIMARY_KEY.sub(r"alter table \1 drop constraint kvs_pkey, add constraint kvs_pkey primary key (\2),"
                              r" add constraint kvs_namespace_key_key unique (namespace, key)", sql)
        sql = ON_UPDATE.sub(ON_UPDATE_TRIGGER, sql)
        return DROP_INDEX.sub(r"alter table \2 drop constraint \1\3", sql)


def option_words(options):
    """The startup parameter "options" with our settings under their prefix; (words, name that is refused)."""
    for name in OWN_SETTINGS:
        options = re.sub(r"(-c\s*|--)%s=" % name, r"\g<1>%s%s=" % (PREFIX, name), options)
    refused = re.search(r"(?:-c\s*|--)(%s)=" % FOREIGN_SETTINGS, options)
    return options, refused[1] if refused else None


# OIDs of parameter types that CockroachDB knows under PostgreSQL's numbers, and the length of a binary value (0: any).
LENGTHS = {0: 0, 16: 1, 17: 0, 19: 0, 20: 8, 21: 2, 23: 4, 25: 0, 700: 4, 701: 8, 705: 0, 1001: 0, 1005: 0, 1007: 0,
           1009: 0, 1015: 0, 1016: 0, 1043: 0, 1082: 4, 1114: 8, 1184: 8, 1185: 0, 1186: 16, 2950: 16, 2951: 0}
ELEMENTS = {1001: 17, 1005: 21, 1007: 23, 1009: 25, 1015: 1043, 1016: 20, 1185: 1184, 2951: 2950}
