-- Flights that departed, of aircraft with a tail number.
SELECT flight_id, tailnum, origin, scheduled_departure, dep_delay, arr_delay,
  _event_time, _partition, _offset
FROM flights
WHERE tailnum IS NOT NULL AND dep_delay IS NOT NULL
