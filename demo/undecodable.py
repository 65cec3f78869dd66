"""Payloads that are not a record of the contract's types: decode must give the reason and keep the bytes."""

from __future__ import annotations

import gzip

from demo.payload import Broken, good

_GOOD = good()
_DEEP = 65
_STACK_BREAKING = 20_000


def _bytes(kind: str, reason: str, *cases: tuple[bytes | None, str]) -> list[Broken]:
    """Cases that do not concern a single column."""
    return [Broken(kind, payload, reason, None, why) for payload, why in cases]


def _values(kind: str, reason: str, *cases: tuple[str, str, str]) -> list[Broken]:
    """Cases of one column's value: column, JSON text, why."""
    return [Broken(kind, good(**{column: text}), reason, column, why) for column, text, why in cases]


_ENVELOPE = [
    *_bytes("tombstone", "null_payload", (None, "a delete in a compacted topic: Flink's json skips it")),
    *_bytes(
        "empty",
        "empty_payload",
        (b"", "a producer that serialised nothing"),
        (b" \n\t ", "only whitespace: to most parsers neither a record nor an error"),
    ),
    *_bytes(
        "byte order mark",
        "byte_order_mark",
        (b"\xef\xbb\xbf" + _GOOD, "from a Windows tool; Flink's json accepts it"),
    ),
    *_bytes(
        "wrong encoding",
        "not_utf8",
        (_GOOD.decode().encode("utf-16-le"), "UTF-16 without a mark: Flink's json guesses, and reads it"),
        (b"\xff\xfe" + _GOOD.decode().encode("utf-16-le"), "UTF-16 with its mark"),
        (_GOOD.decode().encode("utf-32-be"), "UTF-32: Flink's json reads it, and the next consumer does not"),
    ),
    Broken(
        "invalid UTF-8",
        _GOOD.replace(b"IAH", b"M\xe9x"),
        "not_utf8",
        "dest",
        "Latin-1: becomes U+FFFD elsewhere",
    ),
    Broken(
        "invalid UTF-8",
        _GOOD.replace(b"IAH", b"\xc0\xaf"),
        "not_utf8",
        "dest",
        "overlong: a slash to Flink's json, not to filters",
    ),
    Broken("invalid UTF-8", _GOOD.replace(b"IAH", b"\xed\xa0\x80"), "not_utf8", "dest", "half a pair: `?`"),
    Broken("invalid UTF-8", _GOOD.replace(b"IAH", b"\xf5\x80\x80\x80"), "not_utf8", "dest", "no plane: `??`"),
    Broken(
        "invalid UTF-8", good(note='"?"').replace(b"?", b"\xff"), "not_utf8", None, "in a field nobody reads"
    ),
    *_bytes(
        "not JSON at all",
        "malformed_json",
        (b"\x00\x00\x00\x00\x07" + _GOOD, "a schema registry's header before the JSON"),
        (gzip.compress(_GOOD, mtime=0), "compressed once too often"),
        (b"ZZ,77,JFK,IAH,2013-06-01", "CSV"),
        (b"flight_id=2013-06-01-ZZ-77-JFK", "a form"),
        (b"<flight><origin>JFK</origin></flight>", "XML"),
    ),
    *_bytes(
        "more than one document",
        "trailing_data",
        (_GOOD + _GOOD, "two events in one record: Flink's json keeps the first, silently"),
        (_GOOD + b"\n" + _GOOD, "JSON lines in one record"),
        (_GOOD + b",", "an element cut out of an array"),
        (_GOOD + b"}", "one bracket too many"),
        (_GOOD + b"\x00", "a C string"),
        (_GOOD + b" trailing", "two log lines run together"),
    ),
    *_bytes(
        "not an object",
        "not_an_object",
        (b"[" + _GOOD + b"]", "a batch of one: Flink's json reads it as the event itself"),
        (b'"' + _GOOD.replace(b'"', b'\\"') + b'"', "JSON inside a JSON string: serialised twice"),
        (b"42", "a number"),
        (b"null", "the word null, not a tombstone"),
        (b"true", "a boolean"),
    ),
]

_GRAMMAR = [
    *_bytes(
        "truncated",
        "malformed_json",
        (b"{", "only the opening bracket"),
        (_GOOD[:-1], "the last bracket is missing"),
        (_GOOD[: _GOOD.index(b',"dest"')], "cut between two fields: what came is a plausible flight"),
    ),
    Broken("truncated", _GOOD[: _GOOD.index(b'H","sched')], "malformed_json", "dest", "cut inside a text"),
    Broken("truncated", good(cancelled="fal")[:-1], "malformed_json", "cancelled", "cut inside a word"),
    *_bytes(
        "almost JSON",
        "malformed_json",
        (_GOOD.replace(b'"', b"'"), "Python's repr"),
        (_GOOD.replace(b'"dest":', b"dest:"), "JavaScript's names"),
        (_GOOD[:-1] + b",}", "a trailing comma"),
        (_GOOD.replace(b',"dest"', b',/*to*/"dest"'), "a comment"),
        (_GOOD.replace(b',"dest"', b' "dest"'), "a missing comma"),
        (good(distance="0x578"), "hexadecimal: a zero, and then what?"),
    ),
    *_values(
        "almost JSON",
        "malformed_json",
        ("ground_speed_mph", "NaN", "Python's json writes it; it poisons every average"),
        ("ground_speed_mph", "-Infinity", "Python's json writes it"),
        ("flight_number", "077", "a leading zero: octal to some"),
        ("dep_delay", "+2", "a plus sign"),
        ("distance_km", ".5", "no digit before the point"),
        ("distance_km", "2253.", "no digit after the point"),
        ("cancelled", "False", "Python's False"),
        ("tailnum", "None", "Python's None"),
        ("dest", '"I\nH"', "a raw line feed in a text: Flink's json accepts it"),
        ("dest", r'"I\xAH"', "an escape that JSON does not have"),
        ("dest", r'"\u00G1"', "not four hexadecimal digits"),
    ),
    Broken("almost JSON", _GOOD.replace(b'"dest":', b'"dest" '), "malformed_json", "dest", "a missing colon"),
    *_values(
        "half a surrogate pair",
        "lone_surrogate",
        ("dest", r'"\ud83d"', "text cut in the middle of an emoji; Flink's json makes it `?`"),
        ("dest", r'"\ude00\ud83d"', "the halves in the wrong order"),
        ("dest", r'"\ud83dIAH"', "half of one, then letters"),
    ),
    Broken(
        "duplicate field",
        good().replace(b'"tailnum"', b'"carrier":"UA","tailnum"'),
        "duplicate_field",
        "carrier",
        "two values: Flink's json takes one or the other, by their position",
    ),
    Broken(
        "duplicate field",
        good().replace(b'"tailnum"', b'"carrier":"ZZ","tailnum"'),
        "duplicate_field",
        "carrier",
        "the same value twice: still a broken producer",
    ),
    Broken(
        "duplicate field",
        good().replace(b'"tailnum"', rb'"\u0063arrier":"UA","tailnum"'),
        "duplicate_field",
        "carrier",
        "the second name is escaped: a check of bytes misses it",
    ),
    Broken(
        "duplicate field",
        good().replace(b'"tailnum"', b'"dest":null,"tailnum"'),
        "duplicate_field",
        "dest",
        "null first, then a value",
    ),
    *_bytes(
        "nested too deeply",
        "nesting_too_deep",
        (good(note="[" * _DEEP + "]" * _DEEP), "one level too deep, in a field outside the contract"),
        (good(note="[" * _STACK_BREAKING + "]" * _STACK_BREAKING), "breaks the stack of a recursive parser"),
        (good(note='{"a":' * _DEEP + "1" + "}" * _DEEP), "objects instead of arrays"),
    ),
]

_TYPES = [
    *_values(
        "a number as text",
        "wrong_type",
        ("flight_number", '"77"', "a form value: it comes from an untyped producer"),
        ("distance", '""', "an empty cell: Flink's json makes it NULL"),
        ("ground_speed_mph", '"NaN"', "Flink's json makes it NaN"),
    ),
    *_values(
        "text as something else",
        "wrong_type",
        ("carrier", "77", "a code that happens to be digits"),
        ("dest", "true", "YAML's idea of a word"),
    ),
    *_values(
        "almost a boolean",
        "wrong_type",
        ("cancelled", '"false"', "quoted: true in many languages, FALSE to Flink's json"),
        ("cancelled", '"yes"', "Flink's json makes it FALSE"),
        ("cancelled", "1", "Flink's json makes it FALSE"),
        ("cancelled", "0", "C's false"),
    ),
    *_values(
        "a container instead of a value",
        "wrong_type",
        (
            "carrier",
            '{"code":"ZZ"}',
            "the producer added a level; Flink's json keeps the JSON text as the code",
        ),
        ("dest", '["IAH"]', "a list of one"),
        ("distance", "[1400]", "a list of one"),
        ("scheduled_departure", "[2013,6,1,12,0]", "Jackson's arrays for java.time"),
    ),
    *_values(
        "a timestamp as a number",
        "wrong_type",
        ("scheduled_departure", "1370088000000", "milliseconds, or seconds, or neither"),
        ("flight_date", "20130601", "a date as a number"),
    ),
    *_values(
        "an integer too large",
        "integer_out_of_range",
        ("flight_number", "2147483648", "one more than an INT holds"),
        ("dep_delay", "-2147483649", "one less than an INT holds"),
        ("distance", "9223372036854775808", "one more than a BIGINT holds: wraps in careless code"),
        ("distance", "1" + "0" * 400, "of any length: Flink's json makes it NULL, like all of these"),
    ),
    *_values(
        "not a whole number",
        "not_an_integer",
        ("flight_number", "77.9", "Flink's json makes it 77"),
        ("distance", "1400.0", "a float in the producer: the next one is 1400.5"),
        ("distance", "14e2", "an exponent"),
    ),
    *_values(
        "a decimal too large",
        "decimal_overflow",
        ("distance_km", "1234567.8", "Flink's json makes it NULL"),
        ("distance_km", "1e999999999", "a gigabyte of zeros if expanded"),
        ("distance_km", "1e2147483647", "an exponent at the edge of an int"),
        ("distance_km", "-1000000", "negative"),
    ),
    *_values(
        "a decimal too precise",
        "decimal_scale",
        ("distance_km", "2253.14", "Flink's json rounds it to 2253.1"),
        ("distance_km", "2253.0816", "the product of two floats"),
        ("distance_km", "1e-2147483648", "an exponent at the edge of an int"),
        ("distance_km", '"2253.14"', "as text"),
    ),
    *_values(
        "not a decimal",
        "bad_decimal",
        ("distance_km", '"2253,1"', "a decimal comma"),
        ("distance_km", '" 2253.1"', "a space: Flink's json trims"),
        ("distance_km", '""', "an empty cell"),
        ("distance_km", '"2,253.1"', "thousands"),
        ("distance_km", '"NaN"', "not a number, indeed"),
    ),
    *_values(
        "a double out of range",
        "double_out_of_range",
        ("ground_speed_mph", "1e400", "Flink's json makes it infinity"),
        ("ground_speed_mph", "-1e400", "negative infinity"),
        ("ground_speed_mph", "1e-400", "Flink's json makes it 0.0"),
    ),
    *_values(
        "not a date",
        "bad_date",
        ("flight_date", '"2013-02-29"', "not a leap year: Flink's json makes it NULL, like all of these"),
        ("flight_date", '"2013-6-1"', "no leading zeros"),
        ("flight_date", '"06/01/2013"', "June or January"),
        ("flight_date", '"2013-06-01T00:00:00Z"', "a timestamp instead of a date"),
        ("flight_date", '"2013-13-01"', "month 13"),
        ("flight_date", '""', "an empty cell"),
    ),
    *_values(
        "not a timestamp",
        "bad_timestamp",
        ("scheduled_departure", '"2013-06-01T12:00:00"', "no offset: whose noon?"),
        ("scheduled_departure", '"2013-06-01 12:00:00Z"', "SQL's space"),
        (
            "scheduled_departure",
            '"2013-06-01T25:00:00Z"',
            "hour 25: NULL to Flink's json, tomorrow to others",
        ),
        ("scheduled_departure", '"2013-06-01T23:59:60Z"', "not a real leap second"),
        ("scheduled_departure", '"2013-06-01T12:00Z"', "no seconds: Flink's json adds them"),
        ("scheduled_departure", '"2013-06-31T12:00:00Z"', "Flink's json makes it June 30"),
        ("scheduled_departure", '"2013-06-01T12:00:00+0200"', "an offset without its colon"),
        ("departure", '"2013-06-01T12:02:00 America/New_York"', "a zone name"),
        ("departure", '"Sat, 01 Jun 2013 12:02:00 GMT"', "the date format of e-mail"),
    ),
    *_values(
        "a timestamp too precise",
        "timestamp_precision",
        ("scheduled_departure", '"2013-06-01T12:00:00.1234567Z"', "100 ns: .NET; Flink's json truncates it"),
        ("departure", '"2013-06-01T12:02:00.000000001Z"', "a nanosecond: Go, Java"),
    ),
]

UNDECODABLE = (*_ENVELOPE, *_GRAMMAR, *_TYPES)
