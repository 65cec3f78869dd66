"""The effect of an aircraft's late arrival on its next departure."""

from headrace.job import Derive, run

JOB = Derive(reads=["flights"], steps=["flown", "pairs"], writes=["aircraft_rotation"])

if __name__ == "__main__":
    run(JOB)
