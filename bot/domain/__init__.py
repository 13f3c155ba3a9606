"""The bot's own nouns: an order, a job and where it came from. No Discord, no SQL."""

from bot.domain.choices import Owner, Preset, Scope, Values
from bot.domain.jobs import (
    EDITABLE,
    EXPIRED,
    TOKEN_LIFE,
    UNFINISHED,
    Action,
    DeliveryPreferences,
    Derivation,
    Job,
    JobState,
    Origin,
    Picture,
    new_job_id,
    now,
)
from bot.domain.orders import InputFile, Order
from bot.domain.records import Copy, Draft, Entry, Post, Search, Speed, Usage, Waiting, Worker

__all__ = [
    "EDITABLE",
    "EXPIRED",
    "TOKEN_LIFE",
    "UNFINISHED",
    "Action",
    "Copy",
    "DeliveryPreferences",
    "Derivation",
    "Draft",
    "Entry",
    "InputFile",
    "Job",
    "JobState",
    "Order",
    "Origin",
    "Owner",
    "Picture",
    "Post",
    "Preset",
    "Scope",
    "Search",
    "Speed",
    "Usage",
    "Values",
    "Waiting",
    "Worker",
    "new_job_id",
    "now",
]
