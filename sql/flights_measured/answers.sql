-- Each flight with the answer of each function, or the reason why there is none.
SELECT flight_id, scheduled_departure, tailnum, distance, tail_number(tailnum) AS tail, great_circle(origin, dest) AS circle
FROM flights
