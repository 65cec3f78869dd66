SELECT *, _partition AS at_partition, _offset AS at_offset
FROM compared
WHERE NOT is_first AND says_the_same
