"""Where an engine runs, and how it is asked without waiting: in this process, or in a child."""

from .child import ChildProcess
from .in_process import InProcess
from .messages import (
    Answered,
    Broken,
    Client,
    Event,
    Failed,
    Finished,
    Progressed,
    Ready,
    RefineRequest,
    Request,
    RequestId,
    Restarted,
    SegmentRequest,
)

__all__ = [
    "Answered",
    "Broken",
    "ChildProcess",
    "Client",
    "Event",
    "Failed",
    "Finished",
    "InProcess",
    "Progressed",
    "Ready",
    "RefineRequest",
    "Request",
    "RequestId",
    "Restarted",
    "SegmentRequest",
]
