-- Each record with the first record of its flight within the horizon before it, by event time, then position in the topic.
SELECT
  *,
  place = SUBSTRING(first_one FROM 1 FOR 52)  AS is_first,
  _digest = SUBSTRING(first_one FROM 53)      AS says_the_same
FROM (
  SELECT
    *,
    MIN(place || _digest) OVER (
      PARTITION BY flight_id
      ORDER BY _event_time
      RANGE BETWEEN ${horizon} PRECEDING AND CURRENT ROW
    ) AS first_one
  FROM (
    SELECT
      *,
      CAST(_event_time AS STRING) -- 23 characters, then 10 and 19 digits
        || LPAD(CAST(_partition AS STRING), 10, '0')
        || LPAD(CAST(_offset AS STRING), 19, '0') AS place
    FROM flights
  )
)
