-- Adds the aircraft as the registry recorded it at that time.
SELECT
  f.*,
  p.manufacturer, p.model, p.seats, p.`year` AS built
FROM with_weather AS f
LEFT JOIN planes FOR SYSTEM_TIME AS OF f._event_time AS p ON f.tailnum = p.tailnum
