# SPDX-License-Identifier: EPL-2.0
"""OTLP in JSON, read strictly: every field is one of the published protobuf definitions (opentelemetry-proto 1.x) and
written as proto3's JSON mapping and the OTLP specification want it."""
import json
import re


def is_hex(size):
    return lambda v: isinstance(v, str) and re.fullmatch("[0-9a-f]{%d}" % size, v) and set(v) != {"0"}


def is_int64(v):
    return isinstance(v, str) and re.fullmatch("0|-?[1-9][0-9]*", v) and -2**63 <= int(v) < 2**64


def is_uint32(v):
    return type(v) is int and 0 <= v < 2**32


def is_double(v):
    return type(v) in (int, float)


def is_text(v):
    return isinstance(v, str)


def is_bool(v):
    return isinstance(v, bool)


def is_enum(*values):
    return lambda v: type(v) is int and v in values


class Many:
    def __init__(self, kind):
        self.kind = kind


ANY_VALUE = {"stringValue": is_text, "boolValue": is_bool, "intValue": is_int64, "doubleValue": is_double}
KEY_VALUE = {"key": is_text, "value": ANY_VALUE}
RESOURCE = {"attributes": Many(KEY_VALUE), "droppedAttributesCount": is_uint32}
SCOPE = {"name": is_text, "version": is_text, "attributes": Many(KEY_VALUE), "droppedAttributesCount": is_uint32}
STATUS = {"message": is_text, "code": is_enum(0, 1, 2)}
SPAN = {"traceId": is_hex(32), "spanId": is_hex(16), "traceState": is_text, "parentSpanId": is_hex(16), "flags": is_uint32,
        "name": is_text, "kind": is_enum(0, 1, 2, 3, 4, 5), "startTimeUnixNano": is_int64, "endTimeUnixNano": is_int64,
        "attributes": Many(KEY_VALUE), "droppedAttributesCount": is_uint32, "status": STATUS}
TRACES = {"resourceSpans": Many({"resource": RESOURCE, "schemaUrl": is_text, "scopeSpans": Many(
    {"scope": SCOPE, "spans": Many(SPAN), "schemaUrl": is_text})})}
NUMBER_POINT = {"attributes": Many(KEY_VALUE), "startTimeUnixNano": is_int64, "timeUnixNano": is_int64,
                "asDouble": is_double, "asInt": is_int64, "flags": is_uint32}
HISTOGRAM_POINT = {"attributes": Many(KEY_VALUE), "startTimeUnixNano": is_int64, "timeUnixNano": is_int64,
                   "count": is_int64, "sum": is_double, "bucketCounts": Many(is_int64),
                   "explicitBounds": Many(is_double), "flags": is_uint32, "min": is_double, "max": is_double}
METRIC = {"name": is_text, "description": is_text, "unit": is_text,
          "gauge": {"dataPoints": Many(NUMBER_POINT)},
          "sum": {"dataPoints": Many(NUMBER_POINT), "aggregationTemporality": is_enum(1, 2), "isMonotonic": is_bool},
          "histogram": {"dataPoints": Many(HISTOGRAM_POINT), "aggregationTemporality": is_enum(1, 2)}}
METRICS = {"resourceMetrics": Many({"resource": RESOURCE, "schemaUrl": is_text, "scopeMetrics": Many(
    {"scope": SCOPE, "metrics": Many(METRIC), "schemaUrl": is_text})})}


def check(value, kind, where):
    if isinstance(kind, Many):
        assert isinstance(value, list), where
        for i, element in enumerate(value):
            check(element, kind.kind, "%s[%d]" % (where, i))
    elif isinstance(kind, dict):
        assert isinstance(value, dict), where
        for name, member in value.items():
            assert name in kind, "%s: no field %s" % (where, name)
            check(member, kind[name], where + "." + name)
    else:
        assert kind(value), "%s: %r" % (where, value)


def no_repetition(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def attributes(owner):
    found = [(a["key"], next(iter(a["value"].values()))) for a in owner["attributes"]]
    assert all(len(a["value"]) == 1 for a in owner["attributes"]), owner
    return no_repetition(found)


def read(text):
    """A batch: ("spans" or "metrics", attributes of the resource, spans or metrics)."""
    batch = json.loads(text, object_pairs_hook=no_repetition)
    if "resourceSpans" in batch:
        check(batch, TRACES, "traces")
        (owner,) = batch["resourceSpans"]
        (scope,) = owner["scopeSpans"]
        return "spans", attributes(owner["resource"]), [sound_span(s) for s in scope["spans"]]
    check(batch, METRICS, "metrics")
    (owner,) = batch["resourceMetrics"]
    (scope,) = owner["scopeMetrics"]
    return "metrics", attributes(owner["resource"]), [sound_metric(m) for m in scope["metrics"]]


def sound_span(span):
    assert {"traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"} <= span.keys(), span
    assert 0 < int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span
    return dict(span, attributes=attributes(span))


def sound_metric(metric):
    (kind,) = metric.keys() & {"sum", "gauge", "histogram"}
    points = metric[kind]["dataPoints"]
    for point in points:
        assert 0 < int(point["startTimeUnixNano"]) <= int(point["timeUnixNano"]), point
        if kind == "histogram":
            assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1, point
            assert sum(map(int, point["bucketCounts"])) == int(point["count"]), point
            assert sorted(set(point["explicitBounds"])) == point["explicitBounds"], point
        else:
            assert "asInt" in point, point
    keys = [tuple(sorted(attributes(p).items())) for p in points]
    assert len(keys) == len(set(keys)), keys
    return dict(metric, kind=kind, points=[dict(p, attributes=attributes(p)) for p in points])
