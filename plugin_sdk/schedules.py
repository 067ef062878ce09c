"""When the jobs of a manifest are due: every so many seconds, or each day at a time."""

from datetime import datetime, time, timedelta

import msgspec

from plugin_sdk.manifest_model import Job
from plugin_sdk.times import SHANGHAI


class Every(msgspec.Struct, frozen=True):
    """A job that runs every so many seconds, and when it is first seen."""

    seconds: float

    def first(self, now: datetime) -> datetime:
        """Return when a job is due that never ran."""
        return now

    def following(self, now: datetime) -> datetime:
        """Return when it is due after a run."""
        return now + timedelta(seconds=self.seconds)


class Daily(msgspec.Struct, frozen=True):
    """A job that runs once a day, at a time of day in Asia/Shanghai. What was missed while no
    worker ran is made up for once, however many days it were."""

    at: time

    def first(self, now: datetime) -> datetime:
        """Return when a job is due that never ran: today, also when its time has passed."""
        return datetime.combine(now.astimezone(SHANGHAI).date(), self.at, SHANGHAI)

    def following(self, now: datetime) -> datetime:
        """Return when it is due after a run."""
        moment = self.first(now)
        return moment if moment > now else moment + timedelta(days=1)


def schedule_of(job: Job) -> Every | Daily:
    """Return the schedule that a manifest asks for. Raises `ValueError` for one without."""
    if job.at is not None:
        return Daily(time.fromisoformat(job.at))
    if job.every is not None:
        return Every(job.every)
    raise ValueError(f"the job {job.key} has no time")
