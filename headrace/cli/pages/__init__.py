"""What commands show to people: the results of :mod:`headrace.operate`, laid out for a terminal."""
