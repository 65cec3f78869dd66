SELECT
  flight_id, scheduled_departure, tailnum,
  tail.answer   AS tail_number,
  tail.reason   AS tail_number_reason,
  distance,
  circle.answer AS great_circle,
  CASE WHEN circle.answer IS NULL THEN COALESCE(circle.reason, 'airport_unknown') END AS great_circle_reason
FROM answers
