"""What commands print as text: the results of :mod:`headrace.operate`, laid out for a terminal."""
