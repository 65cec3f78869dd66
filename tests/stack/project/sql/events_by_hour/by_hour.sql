SELECT
  MOD(id, 4)                                   AS lane,
  TUMBLE_START(_event_time, INTERVAL '1' HOUR) AS begins,
  COUNT(*)                                     AS events,
  SUM(amount)                                  AS amount,
  MAX(id)                                      AS newest
FROM events
GROUP BY TUMBLE(_event_time, INTERVAL '1' HOUR), MOD(id, 4)
