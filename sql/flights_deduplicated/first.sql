SELECT *, _partition AS at_partition, _offset AS at_offset
FROM compared
WHERE is_first
