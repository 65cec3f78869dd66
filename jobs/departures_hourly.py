"""Departures and delays for each airport and hour."""

from headrace.job import Derive, run

JOB = Derive(reads=["flights"], steps=["hourly"], writes=["departures_hourly"], checkpoint_every="10s")

if __name__ == "__main__":
    run(JOB)
