# SPDX-License-Identifier: EPL-2.0
"""Holds up every statement on the table of values, so that requests stay in flight for as long as a test wants.

    with database_lock.Lock(database_url):
        ...

Python standard library only; the database is asked with psql.
"""
import subprocess


class Lock:
    def __init__(self, url):
        self.psql = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.psql.stdin.write("begin;\nlock table hulykvs.kvs in access exclusive mode;\nselect 'locked';\n")
        self.psql.stdin.flush()
        if self.psql.stdout.readline().strip() != "locked":
            raise AssertionError("the table could not be locked")
        return self

    def __exit__(self, *_):
        self.psql.communicate("rollback;\n")
