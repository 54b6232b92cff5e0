#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Runs the examples of /openapi.json: each operation with the examples of its parameters and body, writes first and
deletions last.  Each must be answered with a status of 2xx that the document has for it, and with the example of that
answer, if it has one.

    openapi.py URL [PATH-THAT-IS-LEFT-OUT …]

Python standard library only.
"""
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import http_cases

ORDER = ("put", "post", "get", "head", "delete")


def main():
    base, left_out = sys.argv[1], sys.argv[2:]
    with urllib.request.urlopen(base + "/openapi.json") as answer:
        assert answer.headers["Content-Type"] == "application/json", answer.headers
        document = json.load(answer)
    token = http_cases.tokens()["system"]

    def resolve(node):
        while "$ref" in node:
            steps, node = node["$ref"].removeprefix("#/").split("/"), document
            for step in steps:
                node = node[step]
        return node

    def request(path, item, method):
        operation, query, fields = item[method], {}, {}
        for parameter in map(resolve, item.get("parameters", []) + operation.get("parameters", [])):
            if parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(parameter["example"], safe=""))
            elif "example" in parameter:
                {"query": query, "header": fields}[parameter["in"]][parameter["name"]] = parameter["example"]
        body = None
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            body = content["example"] if isinstance(content["example"], str) else json.dumps(content["example"])
            fields["Content-Type"] = kind
        if operation.get("security"):
            fields["Authorization"] = f"Bearer {token}"
        return urllib.request.Request(base + path + ("?" + urllib.parse.urlencode(query) if query else ""),
                                      body and body.encode(), fields, method=method.upper())

    count = 0
    # v1 has a workspace of its own: its writes and deletions come in its turn.
    for prefix in ("/api2", "/api/", "/"):
        for method in ORDER:
            for path, item in document["paths"].items():
                if method not in item or path in left_out or not path.startswith(prefix) or (prefix == "/" and path.startswith("/api")):
                    continue
                name = f"{method.upper()} {path}"
                try:
                    with urllib.request.urlopen(request(path, item, method)) as answer:
                        status, kind, body = answer.status, answer.headers.get_content_type(), answer.read()
                except urllib.error.HTTPError as refused:
                    raise SystemExit(f"{name}: {refused.code} {refused.read()!r}") from None
                told = item[method]["responses"].get(str(status))
                assert told, f"{name}: {status} is not documented"
                want = told.get("content", {}).get(kind, {}).get("example")
                if want is not None:
                    have = body.decode() if isinstance(want, str) else json.loads(body)
                    assert have == want, f"{name}: have {have!r}, want {want!r}"
                count += 1
    print(f"{count} examples were answered as the document says")
    assert count > 10


if __name__ == "__main__":
    main()
