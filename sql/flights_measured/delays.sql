-- One row for each end of a flight that has a delay; one row without an end for a cancelled flight.
SELECT flight_id, scheduled_departure, flight_end, delay, class, reason
FROM flights
LEFT JOIN LATERAL TABLE(delay_classes(dep_delay, arr_delay)) AS t(flight_end, delay, class, reason) ON TRUE
