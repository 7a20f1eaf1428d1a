"""What an earlier process left open is taken up again at start. Knows the rows' states; sends nothing itself."""

from __future__ import annotations

import logging

from bot.courier import Backstage, Courier
from storage import Storage
from storage.model import Restored

logger = logging.getLogger(__name__)


async def recover(storage: Storage, desk: Backstage, courier: Courier) -> Restored:
    """Take up every open order: buttons for drafts, the queue for what waits or ran, the courier for the rest.

    Called once, after the desk is attached to the courier and before updates are taken in.

    Raises:
        StorageError: the rows cannot be read.
    """
    restored = await storage.orders.restore()
    for draft in restored.drafts:
        courier.open_status(draft.id)
    for order in restored.queued:
        if order.status_message is None:
            courier.open_status(order.id)
        await desk.restore_ticket(order)
    for order in restored.deliverable:
        courier.deliver(order.id)
    for order in restored.untold:
        courier.tell_failure(order.id)
    _log(restored)
    return restored


def _log(restored: Restored) -> None:
    figures = {
        "drafts": len(restored.drafts),
        "queued": len(restored.queued),
        "to deliver": len(restored.deliverable),
        "dead": len(restored.dead),
        "untold failures": len(restored.untold),
    }
    logger.info("taken up again: %s", ", ".join(f"{name} {count}" for name, count in figures.items()))
