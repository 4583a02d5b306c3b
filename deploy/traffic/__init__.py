"""Seeded, deterministic traffic of a small mini-program: a tea shop with check-ins, orders and group sharing.

``History`` writes the past (cohorts, a release, a campaign), ``live`` goes on from there with the same users.
Neither reads the wall clock: the same arguments give the same bytes.
"""

from deploy.traffic.history import History
from deploy.traffic.live import live
from deploy.traffic.network import Expected, Message
from deploy.traffic.population import DEFAULT_APP_ID, Population

__all__ = ["DEFAULT_APP_ID", "Expected", "History", "Message", "Population", "live"]
