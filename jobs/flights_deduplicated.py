"""Flights, each of them once: repeated and contradicting records go to tables of their own."""

from headrace.job import Derive, run

JOB = Derive(
    reads=["flights"],
    steps=["compared", "first", "retries", "conflicts"],
    writes=["flights_deduplicated", "flights_retries", "flights_conflicts"],
)

if __name__ == "__main__":
    run(JOB)
