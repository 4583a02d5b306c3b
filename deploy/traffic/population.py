"""The users of the mini-program: when each arrives, by which channel, and how likely each is to return.

A user never changes after being drawn. Who visits on a day is drawn from (seed, day) alone, so the history and
the live traffic agree about a day without sharing any state.
"""

import json
from base64 import urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random
from typing import Final

from deploy.traffic.channels import ADS, CHANNELS, Channel
from deploy.traffic.clock import day_of, to_date, weekday

__all__ = ["DEFAULT_APP_ID", "Population", "User", "draw_user", "visitors"]

DEFAULT_APP_ID: Final = "wx5f0e1c9a7b2d4368"
CAMPAIGN: Final = "tea_festival"

# Monday to Sunday: this is a leisure app, weekends are its high days.
_ARRIVALS: Final = (0.90, 0.90, 0.92, 0.95, 1.05, 1.20, 1.15)
_RETURNS: Final = (0.94, 0.94, 0.95, 0.97, 1.03, 1.12, 1.08)
#: A check-in habit is a commuter's: it breaks on weekends.
_HABIT: Final = (0.95, 0.95, 0.94, 0.94, 0.92, 0.82, 0.80)
_HABIT_MEAN_DAYS: Final = 28

#: The release and the campaign stand where a triangle of the last fourteen cohorts shows both.
_RELEASE_AT: Final = 0.85
_CAMPAIGN_AT: Final = 0.90
#: New users of the campaign day, as a multiple of an ordinary day's.
_CAMPAIGN_BURST: Final = 2.5
_RELEASE_LIFT: Final = 1.45
_CAMPAIGN_DROP: Final = 0.5
_MAX_CHANCE: Final = 0.9

_PLATFORMS: Final = ("android",) * 11 + ("ios",) * 7 + ("windows", "harmony")
_PLACES: Final = (
    ("上海", ("徐汇", "静安", "浦东")),
    ("北京", ("朝阳", "海淀")),
    ("杭州", ("西湖", "滨江")),
    ("成都", ("锦江", "高新")),
    ("广州", ("天河", "越秀")),
    ("深圳", ("南山", "福田")),
    ("西安", ("雁塔",)),
    ("厦门", ("思明",)),
)


@dataclass(frozen=True, slots=True)
class User:
    """One person. ``head``, ``profile`` and ``platform`` are ready-made pieces of JSON for the events."""

    index: int
    user_id: str
    first_day: int
    channel: Channel
    campaign: str
    #: Chance to return on the first day after arrival, at an average weekday.
    pull: float
    #: Last day of the check-in habit; before ``first_day`` for most users.
    habit_until: int
    head: str
    profile: str
    platform: str


def draw_user(seed: int, app_id: str, index: int, first_day: int, *, campaign: bool, improved: bool) -> User:
    """User ``index``: a function of the arguments alone.

    Args:
        seed: of the whole population.
        app_id: of the app that the user belongs to.
        index: position in the population, which fixes the OpenID.
        first_day: local day of the first visit.
        campaign: whether the campaign brought the user, which means: by advertisement, and rarely back.
        improved: whether the user's first impression is the better release.
    """
    rng = Random(f"{seed}/user/{index}")
    user_id = _open_id(rng)
    channel = ADS if campaign else rng.choices(CHANNELS, cum_weights=_CHANNEL_WEIGHTS)[0]
    lift = (_RELEASE_LIFT if improved else 1.0) * (_CAMPAIGN_DROP if campaign else 1.0)
    # Mean 1 with a long tail: a few regulars make up most of the later days, as they do in life.
    pull = channel.day1 * lift * rng.gammavariate(1.2, 1 / 1.2)
    habit_days = round(rng.expovariate(1 / _HABIT_MEAN_DAYS)) + 3 if rng.random() < channel.habit * lift else -1
    city, districts = rng.choice(_PLACES)
    profile = {"city": city, "district": rng.choice(districts), "variant": rng.choice("AB")}
    if channel.invited and index:
        profile["inviter_id"] = _open_id(Random(f"{seed}/user/{rng.randrange(index)}"))
    return User(
        index=index,
        user_id=user_id,
        first_day=first_day,
        channel=channel,
        campaign=CAMPAIGN if campaign else "",
        pull=pull,
        habit_until=first_day + habit_days,
        head=f'","app_id":{json.dumps(app_id, ensure_ascii=False)},"user_id":"{user_id}","event":"',
        profile="," + json.dumps(profile, ensure_ascii=False, separators=(",", ":"))[1:-1],
        platform=f',"platform":"{rng.choice(_PLATFORMS)}"}}',
    )


def visitors(users: Iterable[User], seed: int, day: int) -> list[User]:
    """The users, of those who arrived before local day ``day``, who come back on it."""
    draw = Random(f"{seed}/visitors/{day}").random
    rhythm = _RETURNS[weekday(day)]
    habit = _HABIT[weekday(day)]
    back = []
    for user in users:
        age = day - user.first_day
        if age <= 0:
            continue
        if day <= user.habit_until:
            chance = habit
        else:
            chance = min(_MAX_CHANCE, user.pull * age**-user.channel.decay * rhythm)
        if draw() < chance:
            back.append(user)
    return back


class Population:
    """Everyone who has come by the day of ``end_ms``, in order of arrival.

    Attributes:
        first_day: local day on which the mini-program opened.
        last_day: local day of ``end_ms``.
        release_day: new users from this day on retain better.
        campaign_day: a burst of advertised new users, few of whom return.
    """

    def __init__(self, seed: int, days: int, users: int, end_ms: int, app_id: str = DEFAULT_APP_ID) -> None:
        """Draw ``users`` users over ``days`` local days that end with the day of ``end_ms``.

        Raises:
            ValueError: when ``days`` or ``users`` is below 1.
        """
        if days < 1 or users < 1:
            raise ValueError(f"a population needs at least 1 day and 1 user, not {days} days and {users} users")
        self.seed = seed
        self.app_id = app_id
        self.last_day = day_of(end_ms)
        self.first_day = self.last_day - days + 1
        self.release_day = self.first_day + int(days * _RELEASE_AT)
        self.campaign_day = self.first_day + int(days * _CAMPAIGN_AT)
        self.users: list[User] = []
        for day, ordinary, bought in self._arrivals(days, users):
            for campaign, count in ((False, ordinary), (True, bought)):
                for _ in range(count):
                    self.users.append(self.draw(len(self.users), day, campaign=campaign))

    @property
    def release_date(self) -> date:
        """Calendar date of the release."""
        return to_date(self.release_day)

    @property
    def campaign_date(self) -> date:
        """Calendar date of the campaign."""
        return to_date(self.campaign_day)

    def draw(self, index: int, day: int, *, campaign: bool = False) -> User:
        """The user who arrives as number ``index`` on local day ``day``."""
        improved = day >= self.release_day
        return draw_user(self.seed, self.app_id, index, day, campaign=campaign, improved=improved)

    def newcomers(self, day: int) -> Sequence[User]:
        """The users whose first visit is on local day ``day``."""
        start = bisect_left(self.users, day, key=_first_day)
        return self.users[start : bisect_left(self.users, day + 1, start, key=_first_day)]

    def _arrivals(self, days: int, users: int) -> Iterable[tuple[int, int, int]]:
        """(day, ordinary new users, new users bought by the campaign); all together exactly ``users``."""
        calendar = range(self.first_day, self.first_day + days)
        weights = [_ARRIVALS[weekday(day)] * (1 + 0.3 * i / days) for i, day in enumerate(calendar)]
        burst = _CAMPAIGN_BURST if days > 1 else 0.0
        ceiling = list(accumulate(weights))[-1] + burst
        reached = 0.0
        placed = 0
        for day, weight in zip(calendar, weights, strict=True):
            counts = []
            for part in (weight, burst if day == self.campaign_day else 0.0):
                reached += part
                counts.append(round(users * reached / ceiling) - placed)
                placed += counts[-1]
            yield day, counts[0], counts[1]


def _first_day(user: User) -> int:
    return user.first_day


def _open_id(rng: Random) -> str:
    """An OpenID's shape: ``o`` and 27 characters of the URL-safe base64 alphabet."""
    return "o" + urlsafe_b64encode(rng.randbytes(21)).decode()[:27]


_CHANNEL_WEIGHTS: Final = tuple(accumulate(channel.share for channel in CHANNELS))
