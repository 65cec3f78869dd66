"""Records of the right types that violate the contract: the rules must name the broken promise."""

from __future__ import annotations

from demo.payload import OUTCOME, Broken, good


def _values(kind: str, reason: str, rule: str, *cases: tuple[str, str, str]) -> list[Broken]:
    """Cases of one column's value: column, JSON text, why."""
    return [Broken(kind, good(**{column: text}), reason, column, why, rule) for column, text, why in cases]


def _missing(*columns: str) -> list[Broken]:
    return [
        Broken(
            "a required field is missing",
            good(column),
            "required_missing",
            column,
            "Flink's json makes it NULL",
            "required",
        )
        for column in columns
    ]


def _rule(rule: str, payload: bytes, why: str) -> Broken:
    return Broken("contradicts itself", payload, "rule_failed", None, why, rule)


UNKEPT = (
    *_missing("flight_id", "scheduled_departure", "cancelled"),
    Broken(
        "a required field is missing",
        b"{}",
        "required_missing",
        "flight_id",
        "all fields are missing",
        "required",
    ),
    Broken(
        "a required field is missing",
        good("origin", Origin='"JFK"'),
        "required_missing",
        "origin",
        "names are compared letter by letter",
        "required",
    ),
    *_values(
        "a required field is null",
        "required_missing",
        "required",
        ("flight_id", "null", "the key itself"),
        ("scheduled_departure", "null", "the event time: no partition, no window"),
        ("distance_km", "null", "a decimal"),
    ),
    *_values(
        "not one of the codes",
        "not_in_enum",
        "enum",
        ("origin", '"BOS"', "not one of the three airports"),
        ("origin", '"jfk"', "lower case: another group in every report"),
        ("origin", '"JFK "', "a space at the end: not equal, and not visible"),
        ("origin", '""', "an empty text is not NULL"),
    ),
    *_values(
        "pattern mismatch",
        "pattern_mismatch",
        "pattern",
        ("flight_id", '"2013-6-1-ZZ-77-JFK"', "a key spelled differently is a different key"),
        ("flight_id", '"x2013-06-01-ZZ-77-JFK"', "more before it: a search would find the pattern"),
        ("carrier", '"zz"', "lower case"),
        ("carrier", r'"ZZ\n"', "a line feed at the end: `$` lets it pass"),
        ("carrier", '""', "an empty text"),
        ("dest", '"Houston"', "a name instead of a code"),
        ("dest", '"\uff29\uff21\uff28"', "full-width letters look right"),
        ("tailnum", '"UNKNOWN"', "a word instead of NULL"),
    ),
    *_values(
        "too small",
        "below_minimum",
        "minimum",
        ("flight_number", "0", "a default value, not a flight number"),
        ("flight_number", "-2147483648", "the smallest INT: abs() of it is negative"),
        ("dep_delay", "-121", "two hours early"),
        ("air_time", "0", "the speed divides by it"),
        ("flight_date", '"2012-12-31"', "the day before the year"),
        ("flight_date", '"0001-01-01"', "the zero value of Go and .NET"),
        ("ground_speed_mph", "-0.1", "backwards"),
    ),
    *_values(
        "too large",
        "above_maximum",
        "maximum",
        ("flight_number", "10000", "five digits"),
        ("sched_arr_time", "2401", "past midnight"),
        ("arr_delay", "2147483647", "the largest INT as `unknown`"),
        ("flight_date", '"2014-01-01"', "the day after the year"),
        ("flight_date", '"9999-12-31"', "`forever`"),
        ("ground_speed_mph", "1e308", "nearly infinite"),
    ),
    *_values(
        "in the future",
        "event_time_in_future",
        "maxFuture",
        ("scheduled_departure", '"2999-01-01T00:00:00Z"', "one such record closes every window"),
        ("scheduled_departure", '"9999-12-31T23:59:59Z"', "`forever` as a timestamp"),
    ),
    _rule("distance_is_positive", good(distance="0", distance_km="0"), "a flight to nowhere"),
    _rule("distance_is_positive", good(distance="-1400", distance_km="-2253.1"), "a sign"),
    _rule("kilometres_match_miles", good(distance_km="1400"), "the unit was mixed up"),
    _rule("leaves_its_origin", good(dest='"JFK"'), "a round trip, or a bug"),
    _rule("cancelled_never_departs", good(cancelled="true"), "cancelled, but it flew"),
    _rule("departs_unless_cancelled", good(*OUTCOME), "neither flown nor cancelled"),
    _rule("delay_belongs_to_departure", good("dep_delay"), "departed, without a delay"),
    _rule(
        "arrives_after_departing",
        good("departure", "dep_delay", cancelled="true"),
        "arrived, but never departed",
    ),
)
