-- Each flight and the previous one of the same aircraft. Ties within a minute are ordered by flight and position.
SELECT *
FROM flown
MATCH_RECOGNIZE (
  PARTITION BY tailnum
  ORDER BY _event_time, flight_id, _partition, _offset
  MEASURES
    B.flight_id           AS flight_id,
    B.scheduled_departure AS scheduled_departure,
    B.origin              AS origin,
    B.dep_delay           AS dep_delay,
    A.flight_id           AS arrived_as,
    A.arr_delay           AS arrival_delay,
    TIMESTAMPDIFF(MINUTE, A.scheduled_departure, B.scheduled_departure) AS minutes_between
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST B
  PATTERN (A B) WITHIN ${horizon}
  DEFINE B AS B.tailnum IS NOT NULL
)
