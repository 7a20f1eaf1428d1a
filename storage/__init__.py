"""Rows and files that outlive the process: learners, orders, pictures, Telegram file ids.

Knows SQLite and the contracts; knows no Telegram, no fonts and no engine. Hands out frozen values, never database
objects.
"""

from storage.model import (
    Destination,
    Inventory,
    Learner,
    NewOrder,
    Order,
    Parameters,
    Restored,
    State,
    StoredPicture,
)
from storage.opening import Storage, clear_storage, open_storage

__all__ = [
    "Destination",
    "Inventory",
    "Learner",
    "NewOrder",
    "Order",
    "Parameters",
    "Restored",
    "State",
    "Storage",
    "StoredPicture",
    "clear_storage",
    "open_storage",
]
