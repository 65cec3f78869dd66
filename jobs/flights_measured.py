"""What Python adds to a flight: its registered tail number, its distance, the classes of its delays."""

from headrace.job import Derive, run

JOB = Derive(
    reads=["flights"],
    functions={
        "tail_number": "udfs.tails.tail_number",
        "great_circle": "udfs.distances.great_circle",
        "delay_classes": "udfs.delays.delay_classes",
    },
    steps=["answers", "measured", "delays"],
    writes=["flights_measured", "flight_delays"],
)

if __name__ == "__main__":
    run(JOB)
