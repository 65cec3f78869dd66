"""The demo's data: every flight out of New York City in 2013, and records that break their contract."""
