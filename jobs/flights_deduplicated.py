"""Flights, each told once: what was sent again, and what contradicts it, is kept apart."""

from headrace.job import Derive, run

JOB = Derive(
    reads=["flights"],
    steps=["compared", "first", "retries", "conflicts"],
    writes=["flights_deduplicated", "flights_retries", "flights_conflicts"],
)

if __name__ == "__main__":
    run(JOB)
