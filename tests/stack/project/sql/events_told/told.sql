SELECT
  id,
  spelled(id, amount)                                               AS spelt,
  halved(CASE WHEN MOD(id, 10) = 5 THEN NULL ELSE CAST(id AS INT) END) AS half
FROM events
