-- Each flight with the last weather observed at its airport; a flight waits until the watermark of weather has passed it.
SELECT
  f.flight_id, f.scheduled_departure, f.carrier, f.tailnum, f.origin, f.dest,
  f.dep_delay, f.arr_delay, f.distance, f.cancelled, f._event_time,
  w.observed_at AS weather_observed_at, w.temp, w.wind_speed, w.wind_gust, w.precip, w.visib
FROM flights AS f
LEFT JOIN weather FOR SYSTEM_TIME AS OF f._event_time AS w ON f.origin = w.origin
