"""Webhooks: updates posted to an address instead of polled; knows HTTP to this machine only, and when to retry."""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from bot.playground.messages import Ask
from bot.playground.polling import Polls, pending
from bot.playground.refusals import bad
from bot.playground.state import Json, Store, Tx

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TIMEOUT_S = 30
_RETRY_S = (0.2, 1.0, 5.0)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """A webhook that redirects has failed, as at Telegram."""


class Webhook:
    """Delivers updates one by one to an address on this machine.

    Args:
        store: Where the updates wait.
        polls: The long poll to end when a webhook is set.
    """

    def __init__(self, store: Store, polls: Polls) -> None:
        self._store = store
        self._polls = polls
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._error: Json = {}
        store.watch(lambda events: self._news.set() if any(e["type"] == "update" for e in events) else None)

    async def start(self) -> None:
        """Goes on delivering to a webhook set before a restart."""
        if (await self._store.run(settings)).get("url"):
            self._begin()

    async def stop(self) -> None:
        """Ends the delivery; what was not confirmed is delivered later."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    def _begin(self) -> None:
        self._news.set()
        self._task = asyncio.get_running_loop().create_task(self._deliver())

    async def call(self, method: str, ask: Ask) -> Any:
        """setWebhook, deleteWebhook and getWebhookInfo."""
        if method == "getWebhookInfo":
            return await self._info()
        url = ask.get("url", "") if method == "setWebhook" else ""
        _check(url, ask)
        await self.stop()
        self._error = {}
        await self._store.run(keep, url, ask)
        if url:
            self._polls.end_for_webhook()
            self._begin()
        return True

    async def _info(self) -> Json:
        known = await self._store.run(settings)
        waiting = await self._store.run(lambda tx: tx.all("SELECT count(*) FROM updates")[0][0])
        info = {"url": known.get("url", ""), "has_custom_certificate": False, "pending_update_count": waiting}
        return info | (self._error if known.get("url") else {})

    async def _deliver(self) -> None:
        failures = 0
        while True:
            await self._news.wait()
            self._news.clear()
            known = await self._store.run(settings)
            while updates := await self._store.run(pending, 0, 1):
                problem = await asyncio.to_thread(post, known["url"], known.get("secret", ""), updates[0])
                if problem is None:
                    failures = 0
                    await self._store.run(confirm, updates[0]["update_id"])
                    continue
                self._error = {"last_error_date": int(time.time()), "last_error_message": problem}
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1


def settings(tx: Tx) -> Json:
    """The webhook as remembered: url, secret."""
    found: Json = tx.remembered("webhook", {})
    return found


def keep(tx: Tx, url: str, ask: Ask) -> None:
    """Remembers a webhook and which kinds of updates it wants."""
    tx.remember("webhook", {"url": url, "secret": ask.get("secret_token", "")} if url else {})
    if ask.get("drop_pending_updates"):
        tx.do("DELETE FROM updates")
    if url and ask.get("allowed_updates") is not None:
        tx.remember("allowed_updates", ask.get("allowed_updates"))


def confirm(tx: Tx, number: int) -> None:
    """An update has arrived."""
    tx.do("DELETE FROM updates WHERE id = ?", number)


def _check(url: str, ask: Ask) -> None:
    if url and not _on_this_machine(url):
        raise bad("bad webhook: the playground posts to http://127.0.0.1, localhost or [::1] only")
    if (secret := ask.get("secret_token")) and not _SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")


def _on_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK


def post(url: str, secret: str, update: Json) -> str | None:
    """Posts one update; None when it was taken, else what went wrong. Follows no redirect and uses no proxy."""
    headers = {"Content-Type": "application/json"}
    if secret:
        headers["X-Telegram-Bot-Api-Secret-Token"] = secret
    body = json.dumps(update, ensure_ascii=False).encode()
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - _check allows http on loopback only
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=_TIMEOUT_S):
            return None
    except urllib.error.HTTPError as wrong:
        with wrong:
            return f"Wrong response from the webhook: {wrong.code} {wrong.reason}"
    except (OSError, ValueError) as wrong:
        return f"Connection failed: {type(wrong).__name__}"
