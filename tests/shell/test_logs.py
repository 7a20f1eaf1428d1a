"""No secret leaves through the log, whichever way it got in; a filter would let two of three through."""

from __future__ import annotations

import asyncio
import io
import logging
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import AiogramError
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import REDACTED, RedactingFormatter, redact

TOKEN = "8600000001:canary_AAAA-BBBBBBBBBBBBBBBBBBBBBBBBBBB"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def log() -> io.StringIO:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter((TOKEN,)))
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


class Carrier:
    def __repr__(self) -> str:
        return f"<session of {TOKEN}>"


def test_message_argument_object_and_traceback_are_clean(log: io.StringIO) -> None:
    logger = logging.getLogger("canary")
    logger.warning("plain %s", TOKEN)
    logger.warning("object %r", Carrier())
    logger.warning("encoded %s", quote(TOKEN, safe=""))
    try:
        int(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except ValueError:
        logger.exception("failed")
    assert log.getvalue().count(REDACTED) >= 4
    assert TOKEN not in log.getvalue()
    assert quote(TOKEN, safe="") not in log.getvalue()


def test_control_a_filter_leaks() -> None:
    """The usual way, redaction in a Filter, lets objects and tracebacks through: so the test above can fail."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)

    def censor(record: logging.LogRecord) -> bool:
        record.msg = redact(str(record.msg), (TOKEN,))
        return True

    handler.addFilter(censor)
    logger = logging.getLogger("leaky")
    logger.propagate = False
    logger.addHandler(handler)
    logger.warning("object %r", Carrier())
    logger.removeHandler(handler)
    assert TOKEN in stream.getvalue()


async def test_every_leak_of_aiogram_is_closed(log: io.StringIO) -> None:
    """A file that is gone, a redirect loop, a 5xx web page, a refused connection, an unhandled task: all of them logged."""
    app = web.Application()

    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async def bad_gateway(_: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>bad gateway</html>")

    app.router.add_get("/file/{path:.*}", gone)

    async def loop(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.rel_url)

    app.router.add_route("*", "/bot{token}/getMe", loop)
    app.router.add_route("*", "/bot{token}/getChat", bad_gateway)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(f"http://127.0.0.1:{port}")))
    logger = logging.getLogger("canary")
    leaked = 0
    for attempt in (
        lambda: bot.download_file("documents/gone.png"),
        lambda: bot.get_me(),
        lambda: bot.get_chat(1),
    ):
        try:
            await attempt()
        except (AiogramError, aiohttp.ClientError) as error:
            leaked += TOKEN in repr(error) + str(error)
            logger.exception("failed: %r %s", error, error)
    await bot.session.close()
    await runner.cleanup()
    asyncio.get_running_loop().call_exception_handler({"message": f"task of {TOKEN} died"})
    logger.debug("%s", vars(bot))
    assert leaked >= 1, "aiogram stopped leaking: this test looks at nothing"
    assert TOKEN not in log.getvalue()
    assert quote(TOKEN, safe="") not in log.getvalue()


def test_a_whole_process_leaks_nothing_even_when_it_dies(tmp_path: Path) -> None:
    code = f"""
import logging, warnings
from bot.logs import set_up
set_up("DEBUG", ({TOKEN!r},))
warnings.warn("careful with {TOKEN}")
logging.getLogger("x").error("see %s", {{"token": {TOKEN!r}}})
raise SystemError("died with {TOKEN}")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 1
    assert "SystemError" in done.stderr
    assert done.stderr.count(REDACTED) >= 3
    assert "canary" not in done.stdout + done.stderr


@given(st.integers(10_000, 10**12), st.text("abcXYZ019_-", min_size=20, max_size=50), st.text(max_size=30))
def test_anything_shaped_like_a_token_is_taken_out(number: int, secret: str, around: str) -> None:
    token = f"{number}:{secret}"
    assert token not in redact(f"{around} bot{token}/getMe {around}", ())
    assert token not in redact(f"{around} {token} {around}")


@given(st.text(max_size=200))
def test_ordinary_text_stays(text: str) -> None:
    if ":" not in text and "%" not in text:
        assert redact(text, (TOKEN,)) == text
