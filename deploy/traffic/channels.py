"""Where visitors come from: channels of new users, and the entries that bring them back.

``scene`` values and their meaning are WeChat's (developer documentation, scene value list).
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["ADS", "CHANNELS", "RETURNS", "Channel", "Entry"]


@dataclass(frozen=True, slots=True)
class Channel:
    """How one channel's new users behave.

    The chance to come back on day N after the first is ``day1 * N ** -decay``, before weekday and user.
    """

    name: str
    scenes: tuple[int, ...]
    #: Part of the ordinary new users; the parts add up to 1.
    share: float
    day1: float
    decay: float
    #: Part of its new users who take up the daily check-in.
    habit: float
    #: Whether a friend who shared a card brought the user.
    invited: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """How a known user comes in again."""

    scene: int
    channel: str
    weight: int


#: Moments advertisement: cheap visitors of whom few return. The campaign buys here.
ADS: Final = Channel("ads", (1045, 1084), share=0.17, day1=0.060, decay=0.90, habit=0.002)

CHANNELS: Final = (
    Channel("share_group", (1008,), share=0.23, day1=0.190, decay=0.62, habit=0.030, invited=True),
    Channel("share_chat", (1007,), share=0.13, day1=0.240, decay=0.58, habit=0.040, invited=True),
    Channel("qr_offline", (1011, 1047, 1048), share=0.20, day1=0.180, decay=0.55, habit=0.040),
    Channel("search", (1005, 1006, 1053), share=0.10, day1=0.200, decay=0.60, habit=0.030),
    Channel("official_account", (1035, 1043), share=0.08, day1=0.260, decay=0.52, habit=0.060),
    Channel("discover", (1001,), share=0.05, day1=0.270, decay=0.50, habit=0.060),
    Channel("pull_down", (1089,), share=0.04, day1=0.360, decay=0.42, habit=0.100),
    ADS,
)

#: Most users come back by pulling down the chat list, the recently used list, or a subscription message.
RETURNS: Final = (
    Entry(1089, "pull_down", 48),
    Entry(1001, "discover", 18),
    Entry(1008, "share_group", 8),
    Entry(1007, "share_chat", 6),
    Entry(1014, "subscribe_message", 7),
    Entry(1035, "official_account", 7),
    Entry(1047, "qr_offline", 4),
    Entry(1053, "search", 2),
)
