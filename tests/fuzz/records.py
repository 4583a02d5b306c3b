"""Damaged and random records through the codec: a record is read as it was written, or refused with ``Terminal``."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from schemas.errors import Terminal
from streams.codec import decode_user, encode_user
from streams.core.progress import Progress, TopicProgress
from streams.core.state import UserState
from streams.positions import decode_progress, encode_progress

__all__ = ["RecordFuzz", "random_state"]

_STATES: Final = 200
_STEP: Final = 1000
_TEXTS: Final = ("", "ios", "北京", "😀" * 60, "\x00", "a" * 256)


def random_state(rng: random.Random) -> UserState:
    """A state as it can come of folding."""
    user = UserState()
    user.offset, user.rekeyed_offset = rng.getrandbits(rng.randrange(1, 47)), rng.getrandbits(20) - 1
    if rng.random() < 0.9:
        user.days = rng.getrandbits(rng.randrange(1, 800)) | 1
        user.last_day = rng.randrange(11_000, 47_000)
        user.first_ts, user.first_tie = rng.getrandbits(42), rng.randbytes(8)
        one, two, three, four, five, six, seven, eight, nine = (rng.choice(_TEXTS) for _ in range(9))
        user.attributes = (one, two, three, four, five, six, seven, eight, nine)
    if rng.random() < 0.5:
        user.check_ins, user.last_check_in = rng.getrandbits(rng.randrange(1, 400)) | 1, rng.randrange(11_000, 47_000)
    for _ in range(rng.randrange(5)):
        user.event_ids[rng.randrange(11_000, 47_000)] = rng.randbytes(8 * rng.randrange(1, 20))
    user.accepted, user.repeated = rng.getrandbits(20), rng.getrandbits(10)
    if user.rekeyed_offset >= 0:
        user.rekeyed_accepted, user.rekeyed_repeated = rng.getrandbits(10), rng.getrandbits(5)
    return user


@dataclass(slots=True)
class RecordFuzz:
    """What became of the records; ``findings`` are those that were half-read or raised something else."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def run(self, count: int) -> Iterator[int]:
        """Try ``count`` records; yields how many are done, now and then."""
        rng = random.Random(self.seed)
        states = [random_state(rng) for _ in range(_STATES)]
        users = [(encode_user(user), user) for user in states]
        progress = [(encode_progress(one), one) for one in (_random_progress(rng) for _ in range(_STATES))]
        for done in range(1, count + 1):
            if rng.random() < 0.8:
                record, user = users[rng.randrange(_STATES)]
                self._user(rng.choice(_DAMAGES)(rng, record, users[rng.randrange(_STATES)][0]), record, user)
            else:
                record, one = progress[rng.randrange(_STATES)]
                self._progress(rng.choice(_DAMAGES)(rng, record, progress[rng.randrange(_STATES)][0]), record, one)
            if done % _STEP == 0 or done == count:
                yield done

    def _user(self, damaged: bytes, record: bytes, user: UserState) -> None:
        try:
            read = decode_user(damaged)
        except Terminal:
            self._count("refused", damaged == record, damaged)
        except Exception as error:
            self.findings.append(f"decode_user raised {error!r}: {damaged!r}")
        else:
            self._count("read", read != user, damaged)

    def _progress(self, damaged: bytes, record: bytes, progress: Progress) -> None:
        try:
            read = decode_progress(damaged)
        except Terminal:
            self._count("refused", damaged == record, damaged)
        except Exception as error:
            self.findings.append(f"decode_progress raised {error!r}: {damaged!r}")
        else:
            self._count("read", read != progress, damaged)

    def _count(self, outcome: str, wrong: bool, damaged: bytes) -> None:
        self.counts[outcome] += 1
        if wrong:
            self.findings.append(f"{outcome}, wrongly: {damaged!r}")


def _flipped(rng: random.Random, record: bytes, _other: bytes) -> bytes:
    value = bytearray(record)
    for _ in range(rng.randrange(1, 4)):
        value[rng.randrange(len(value))] ^= 1 << rng.randrange(8)
    return bytes(value)


def _shortened(rng: random.Random, record: bytes, _other: bytes) -> bytes:
    return record[: rng.randrange(len(record))]


def _lengthened(rng: random.Random, record: bytes, _other: bytes) -> bytes:
    return record + rng.randbytes(rng.randrange(1, 9))


def _spliced(rng: random.Random, record: bytes, other: bytes) -> bytes:
    at = rng.randrange(len(record))
    spliced = record[:at] + other[at:]
    return record if spliced == other else spliced  # the other record, whole, is no damage


def _zeroed(rng: random.Random, record: bytes, _other: bytes) -> bytes:
    at = rng.randrange(len(record))
    return record[:at] + bytes(len(record) - at)


def _noise(rng: random.Random, _record: bytes, _other: bytes) -> bytes:
    return rng.randbytes(rng.randrange(0, 120))


def _of_another_version(rng: random.Random, record: bytes, _other: bytes) -> bytes:
    """As written, whole, by a build that this one does not know."""
    body = bytes([rng.choice((0, *range(2, 256)))]) + record[1:-4]
    return body + crc32(body).to_bytes(4, "little")


def _intact(_rng: random.Random, record: bytes, _other: bytes) -> bytes:
    return record


_DAMAGES: Final = (_flipped, _shortened, _lengthened, _spliced, _zeroed, _noise, _of_another_version, _intact)


def _random_progress(rng: random.Random) -> Progress:
    def part() -> TopicProgress:
        return TopicProgress(rng.getrandbits(40), rng.randrange(-1, 47_000), *(rng.getrandbits(30) for _ in range(5)))

    return Progress(part(), part())
