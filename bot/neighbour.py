"""The playground as the rest of the bot sees it: made from the settings, its refusals translated into our errors.

The playground itself imports nothing of ours; this is the one place that knows both sides. Imported lazily, since
the playground brings a web server along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from bot.playground.serve import AddressInUse as PortTaken
from bot.playground.serve import CannotStart, NotLoopback, Playground
from bot.settings import Settings
from generation.contracts.errors import AddressInUse, BadSettings, UnsafeAddress


def page_font() -> Path:
    """Our own font with Chinese, Japanese and Korean, for pages on systems that have none."""
    return Path(str(resources.files("generation.glyphs"))) / "fonts" / "NotoSansCJK-Bold-subset.otf"


@contextmanager
def refusals_explained(host: str, port: int) -> Iterator[None]:
    """Turn what the playground raises into operator errors.

    Raises:
        AddressInUse: the port is taken.
        UnsafeAddress: others could reach the address.
        BadSettings: its file or folder cannot be used.
    """
    try:
        yield
    except PortTaken:
        raise AddressInUse(host=host, port=port) from None
    except NotLoopback:
        raise UnsafeAddress(host=host) from None
    except (CannotStart, OSError) as error:
        raise BadSettings(detail=f"the playground: {error}") from None


async def open_playground(settings: Settings, *, fresh: bool) -> Playground:
    """Start the playground inside this process and event loop.

    Raises:
        OperatorError: see `refusals_explained`.
    """
    place = settings.playground
    with refusals_explained(place.host, place.port):
        playground = Playground(
            settings.playground_folder(), host=place.host, port=place.port, fresh=fresh, font=page_font()
        )
        await playground.start()
    return playground
