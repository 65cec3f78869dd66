"""What Python knows of a flight: its aircraft's number as registered, its distance, its delays by name."""

from headrace.job import Derive, run

JOB = Derive(
    reads=["flights"],
    functions={
        "tail_number": "udfs.tails.tail_number",
        "great_circle": "udfs.distances.great_circle",
        "delay_classes": "udfs.delays.delay_classes",
    },
    steps=["told", "measured", "delays"],
    writes=["flights_measured", "flight_delays"],
)

if __name__ == "__main__":
    run(JOB)
