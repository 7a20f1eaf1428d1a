"""Pictures and documents: what was uploaded, under which file ids, in which sizes.

Knows image headers, Telegram's photo sizes and its limits; knows nothing of messages. ``digest`` decodes pictures and
runs on a worker thread before the transaction; the rest runs inside one.
"""

import io
import mimetypes
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from bot.playground.refusals import WRONG_FILE, Refusal, bad
from bot.playground.state import Json, Tx, opaque
from bot.playground.wire import Part

MAX_PHOTO = 10 * 2**20
MAX_DOCUMENT = 50 * 2**20
MAX_DOWNLOAD = 20 * 2**20
MAX_PIXELS = 16_000_000  # more is a bomb: nobody sends it in a chat
MAX_SIDES = 10_000  # width and height together
MAX_RATIO = 20
_SIDES = (90, 320, 800, 1280, 2560)
_QUALITY = 87
_FORMATS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP"}


@dataclass(frozen=True)
class Rendition:
    """One size of a photo, JPEG bytes."""

    width: int
    height: int
    data: bytes


def picture_format(data: bytes) -> str | None:
    """PNG, JPEG, GIF, BMP or WEBP by the first bytes; None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for magic, name in _FORMATS.items() if data.startswith(magic)), None)


def _opened(data: bytes) -> Image.Image:
    """The picture with only its header read; refused before a pixel is decoded when it is too large."""
    kind = picture_format(data)
    if kind is None:
        raise bad("IMAGE_PROCESS_FAILED")
    if kind == "PNG":
        _check_sides(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as broken:
        raise bad("IMAGE_PROCESS_FAILED") from broken
    _check_sides(*image.size)
    return image


def _check_sides(width: int, height: int) -> None:
    if min(width, height) < 1 or width + height > MAX_SIDES or max(width, height) > MAX_RATIO * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    if width * height > MAX_PIXELS:
        raise bad("IMAGE_PROCESS_FAILED")


def _pixels(data: bytes) -> Image.Image:
    try:
        return _opened(data).convert("RGBA")
    except (OSError, ValueError, SyntaxError) as broken:
        raise bad("IMAGE_PROCESS_FAILED") from broken


def renditions(data: bytes) -> list[Rendition]:
    """The photo in Telegram's sizes, smallest first, on white where it is transparent.

    Raises:
        Refusal: Not a picture, broken, or outside the limits.
    """
    rgba = _pixels(data)
    image = Image.new("RGB", rgba.size, "white")
    image.paste(rgba, mask=rgba.getchannel("A"))
    largest = max(image.size)
    sides = [side for side in _SIDES if side < largest] + ([largest] if largest <= _SIDES[-1] else [])
    return [_rendition(image, side) for side in sides]


def _rendition(image: Image.Image, side: int) -> Rendition:
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_QUALITY)
    return Rendition(*size, out.getvalue())


def digest(parts: dict[str, Part], *, photos: bool) -> None:
    """Decodes uploaded pictures; what is wrong with one is kept on its part and raised when it is used as a photo."""
    for part in parts.values():
        if photos and len(part.data) > MAX_PHOTO:
            part.photo = Refusal(413, "Request Entity Too Large")
            continue
        try:
            sizes = renditions(part.data)
        except Refusal as refusal:
            part.photo = refusal
        else:
            part.photo, part.thumbnail = sizes, sizes[min(1, len(sizes) - 1)]


def resolve(tx: Tx, kind: str, name: str, value: Any, parts: dict[str, Part]) -> Json:
    """The ``photo`` or ``document`` of a message, from a file id or an upload.

    Args:
        tx: Transaction.
        kind: ``photo`` or ``document``.
        name: The parameter's name: a part of this name is taken when there is no value.
        value: A file id, ``attach://part``, an address, or None.
        parts: The uploaded parts.

    Raises:
        Refusal: Nothing there, a wrong id, an id of another kind, a picture Telegram would not take.
    """
    if isinstance(value, str) and not value.startswith("attach://"):
        return _by_id(tx, kind, value)
    part = parts.get(value.removeprefix("attach://") if value else name)
    if part is None or not part.data:
        raise bad(f"there is no {kind} in the request") if part is None else bad("file must be non-empty")
    return _keep_photo(tx, part) if kind == "photo" else _keep_document(tx, part)


def _by_id(tx: Tx, kind: str, value: str) -> Json:
    if value.startswith(("http://", "https://")):
        raise bad("failed to get HTTP URL content")
    row = tx.one("SELECT upload, kind FROM files WHERE file_id = ?", value)
    if row is None:
        raise bad(WRONG_FILE)
    if row["kind"] != kind:
        raise bad(f"Can't use file of type {row['kind'].capitalize()} as {kind.capitalize()}")
    return describe(tx, row["upload"], kind)


def describe(tx: Tx, upload: int, kind: str) -> Json:
    """The message fields of an upload: ``{"photo": [...]}`` or ``{"document": {...}}``."""
    sql = "SELECT * FROM files WHERE upload = ? AND kind = ? ORDER BY size"
    rows = tx.all(sql.replace("*", "file_id, unique_id, name, mime, width, height, size"), upload, kind)
    if kind == "photo":
        return {"photo": [_photo_size(row) for row in sorted(rows, key=lambda row: row["width"])]}
    row = rows[0]
    document = {
        "file_id": row["file_id"],
        "file_unique_id": row["unique_id"],
        "file_name": row["name"],
        "mime_type": row["mime"],
        "file_size": row["size"],
    }
    thumbs = tx.all(sql, upload, "thumbnail")
    return {"document": document | ({"thumbnail": _photo_size(thumbs[0])} if thumbs else {})}


def _photo_size(row: Any) -> Json:
    keys = {
        "file_id": "file_id",
        "file_unique_id": "unique_id",
        "width": "width",
        "height": "height",
        "file_size": "size",
    }
    return {name: row[column] for name, column in keys.items()}


def _keep_photo(tx: Tx, part: Part) -> Json:
    if isinstance(part.photo, Refusal):
        raise part.photo
    upload = tx.count("uploads")
    for size in part.photo:
        _insert(tx, upload, "photo", f"file_{upload}.jpg", "image/jpeg", size)
    return describe(tx, upload, "photo")


def _keep_document(tx: Tx, part: Part) -> Json:
    if len(part.data) > MAX_DOCUMENT:
        raise Refusal(413, "Request Entity Too Large")
    name = part.name.replace("\\", "/").rsplit("/", 1)[-1][-60:] or "file"
    mime = mimetypes.guess_type(name)[0] or part.mime
    upload = tx.count("uploads")
    _insert(tx, upload, "document", name, mime, Rendition(0, 0, part.data))
    if part.thumbnail is not None:
        _insert(tx, upload, "thumbnail", "thumb.jpg", "image/jpeg", part.thumbnail)
    return describe(tx, upload, "document")


def _insert(tx: Tx, upload: int, kind: str, name: str, mime: str, content: Rendition) -> None:
    row = (
        opaque(),
        opaque(9),
        upload,
        kind,
        name,
        mime,
        content.width,
        content.height,
        len(content.data),
        content.data,
    )
    tx.do("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)


@dataclass(frozen=True)
class Stored:
    """A file's bytes with what a browser needs to know of them."""

    kind: str
    name: str
    mime: str
    data: bytes


def read(tx: Tx, file_id: str) -> Stored | None:
    """The bytes behind a file id."""
    row = tx.one("SELECT kind, name, mime, data FROM files WHERE file_id = ?", file_id)
    return Stored(row["kind"], row["name"], row["mime"], row["data"]) if row else None
