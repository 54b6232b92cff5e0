# SPDX-License-Identifier: EPL-2.0
"""How often each write took effect, from the table that audit.sql keeps.

Python standard library only; the database is asked with psql.
"""
import collections
import hashlib
import subprocess


def sql(url, text):
    psql = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", text],
                          capture_output=True, check=True, text=True)
    return psql.stdout


class Effects:
    """counts[key, MD5 of the value]; for a deletion the MD5 is "gone"."""

    def __init__(self, url):
        self.counts = collections.Counter()
        rows = sql(url, "copy (select key, case op when 'DELETE' then 'gone' else md5 end from public.audit) to stdout")
        for line in rows.splitlines():
            key, tag = line.split("\t")
            self.counts[key, tag] += 1

    def of(self, key, value):
        return self.counts[key, "gone" if value is None else hashlib.md5(value).hexdigest()]
