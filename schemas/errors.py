"""Every error the pipeline raises on purpose.

PipelineError
├── InvalidEvent   the message can never be accepted: dead-letter it
├── Transient      a service is away or busy: retry, do not acknowledge
└── Terminal       going on would corrupt or mislead: stop and say what to do

A message names the thing, the value and the way out.
"""

__all__ = ["InvalidEvent", "PipelineError", "Terminal", "Transient"]


class PipelineError(Exception):
    """Base of all errors of this project."""


class InvalidEvent(PipelineError):
    """A message that the event contract refuses; it belongs in the dead-letter topic."""


class Transient(PipelineError):
    """A failure that passes by itself; retry with back-off and acknowledge nothing meanwhile."""


class Terminal(PipelineError):
    """A state that no retry mends; the process must stop with this message."""
