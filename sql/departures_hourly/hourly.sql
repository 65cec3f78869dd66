-- Departures and their delays for each airport and hour of scheduled departure.
SELECT
  origin,
  TUMBLE_START(_event_time, INTERVAL '1' HOUR)              AS departure_hour,
  COUNT(*)                                                  AS scheduled,
  COUNT(*) FILTER (WHERE cancelled)                         AS cancelled,
  COUNT(*) FILTER (WHERE dep_delay <= 15)                   AS on_time,
  COUNT(*) FILTER (WHERE dep_delay > 15 AND dep_delay < 60) AS late,
  COUNT(*) FILTER (WHERE dep_delay >= 60)                   AS very_late,
  CAST(SUM(CAST(dep_delay AS BIGINT)) AS DOUBLE)
    / COUNT(dep_delay)                                      AS mean_delay, -- a sum of integers is the same in any order
  MAX(dep_delay)                                            AS worst_delay
FROM flights
GROUP BY origin, TUMBLE(_event_time, INTERVAL '1' HOUR)
