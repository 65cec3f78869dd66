"""Flights with the weather at their departure, and what is known about their aircraft."""

from headrace.job import Derive, run

JOB = Derive(
    reads=["flights", "weather", "planes"],
    steps=["with_weather", "with_plane"],
    writes=["flights_enriched"],
)

if __name__ == "__main__":
    run(JOB)
