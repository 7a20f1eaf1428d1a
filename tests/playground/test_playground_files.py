"""Photos and documents: sizes, limits, ids bound to their kind, downloads."""

import io
import struct
import time
import zlib

import pytest
from aiogram.types import BufferedInputFile
from PIL import Image


async def send(http, playground, data, field="photo", name="a.png"):
    return await http.post(
        f"/bot{playground.token}/send{field.capitalize()}", data={"chat_id": "1001"}, files={field: (name, data)}
    )


def header_only(width, height):
    """A PNG that claims a size and holds no pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ((1024, 1024), [90, 320, 800, 1024]),
        ((1536, 1024), [90, 320, 800, 1280, 1536]),
        ((64, 48), [64]),
        ((320, 100), [90, 320]),
        ((3000, 600), [90, 320, 800, 1280, 2560]),
    ],
)
async def test_sizes_have_their_real_dimensions(bot, http, picture, size, sides):
    sent = await bot.send_photo(1001, BufferedInputFile(picture(*size), "a.png"))
    assert [max(one.width, one.height) for one in sent.photo] == sides
    assert len({one.file_id for one in sent.photo}) == len({one.file_unique_id for one in sent.photo}) == len(sides)
    for one in sent.photo:
        image = Image.open(io.BytesIO((await http.get(f"/sim/file/{one.file_id}")).content))
        assert (image.format, image.size) == ("JPEG", (one.width, one.height))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
async def test_kinds_of_pictures(http, playground, picture, kind):
    answer = await send(http, playground, picture(200, 100, kind=kind))
    assert answer.json()["result"]["photo"][-1]["width"] == 200


async def test_transparency_lies_on_white(bot, http):
    out = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(out, "PNG")
    sent = await bot.send_photo(1001, BufferedInputFile(out.getvalue(), "a.png"))
    image = Image.open(io.BytesIO((await http.get(f"/sim/file/{sent.photo[-1].file_id}")).content))
    assert image.getpixel((50, 50)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello", "IMAGE_PROCESS_FAILED"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "IMAGE_PROCESS_FAILED"),
        (b"\x89PNG\r\n\x1a\n", "PHOTO_INVALID_DIMENSIONS"),
        (b"\xff\xd8\xff\xe0broken", "IMAGE_PROCESS_FAILED"),
        (header_only(100, 100), "IMAGE_PROCESS_FAILED"),
        (header_only(9_000, 1_001), "PHOTO_INVALID_DIMENSIONS"),
        (header_only(2_100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (header_only(5_000, 5_000), "IMAGE_PROCESS_FAILED"),
        (header_only(2**31 - 1, 2**31 - 1), "PHOTO_INVALID_DIMENSIONS"),
        (b"", "file must be non-empty"),
    ],
    ids=["text", "svg", "no header", "broken jpeg", "no pixels", "too large", "too long", "bomb", "huge bomb", "empty"],
)
async def test_pictures_that_are_refused_quickly(http, playground, data, said):
    begun = time.process_time()
    answer = await send(http, playground, data)
    assert answer.json() == {"ok": False, "error_code": 400, "description": f"Bad Request: {said}"}
    assert time.process_time() - begun < 1


async def test_a_photo_over_ten_megabytes(http, playground, picture):
    answer = await send(http, playground, picture() + bytes(10 * 2**20))
    assert answer.status_code == 413


async def test_a_truncated_picture(http, playground):
    out = io.BytesIO()
    Image.effect_noise((600, 600), 80).save(out, "PNG")
    answer = await send(http, playground, out.getvalue()[:20_000])
    assert answer.json()["description"] == "Bad Request: IMAGE_PROCESS_FAILED"


async def test_ids_are_bound_to_their_kind(bot, refused, picture):
    photo = (await bot.send_photo(1001, BufferedInputFile(picture(), "a.png"))).photo
    document = (await bot.send_document(1001, BufferedInputFile(picture(), "a.png"))).document
    assert (await bot.send_photo(1001, photo[0].file_id)).photo == photo
    assert (await bot.send_document(1001, document.file_id)).document == document
    said = await refused("sendDocument", chat_id=1001, document=photo[-1].file_id)
    assert said == "Bad Request: can't use file of type Photo as Document"
    said = await refused("sendPhoto", chat_id=1001, photo=document.file_id)
    assert said == "Bad Request: can't use file of type Document as Photo"
    assert (
        await refused("sendPhoto", chat_id=1001, photo="AgAC")
        == "Bad Request: wrong file identifier/HTTP URL specified"
    )
    assert (
        await refused("sendPhoto", chat_id=1001, photo="https://example.org/a.png")
        == "Bad Request: failed to get HTTP URL content"
    )
    assert (
        await refused("sendPhoto", chat_id=1001, photo="attach://none")
        == "Bad Request: there is no photo in the request"
    )
    assert await refused("sendDocument", chat_id=1001) == "Bad Request: there is no document in the request"


async def test_documents_keep_their_bytes_and_name(bot, http, picture):
    data = picture(1024, 1024)
    sent = await bot.send_document(1001, BufferedInputFile(data, "学习.png"))
    assert (sent.document.file_name, sent.document.mime_type, sent.document.file_size) == (
        "学习.png",
        "image/png",
        len(data),
    )
    assert sent.document.thumbnail.width == 320
    answer = await http.get(f"/sim/file/{sent.document.file_id}")
    assert answer.content == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", 'x"\r\nSet-Cookie: a=b', "a" * 300 + ".txt"])
async def test_hostile_file_names(http, playground, name):
    answer = await send(http, playground, b"x", "document", name)
    document = answer.json()["result"]["document"]
    assert "/" not in document["file_name"]
    assert "\\" not in document["file_name"]
    assert len(document["file_name"]) <= 60
    got = await http.get(f"/sim/file/{document['file_id']}")
    assert got.content == b"x"
    assert "set-cookie" not in got.headers


async def test_downloads_by_the_path_of_get_file(bot, http, playground, picture, refused):
    data = picture()
    sent = await bot.send_document(1001, BufferedInputFile(data, "a.png"))
    file = await bot.get_file(sent.document.file_id)
    assert file.file_unique_id == sent.document.file_unique_id
    assert (await bot.download_file(file.file_path)).read() == data
    assert (await http.get(f"/file/bot{playground.token}/documents/none")).status_code == 404
    assert (await http.get(f"/file/botwrong/{file.file_path}")).status_code == 401
    assert (
        await refused("getFile", file_id="none") == "Bad Request: wrong file_id or the file is temporarily unavailable"
    )


async def test_a_file_too_large_to_download(bot, refused, http, playground):
    answer = await send(http, playground, bytes(21 * 2**20), "document", "big.bin")
    file_id = answer.json()["result"]["document"]["file_id"]
    assert await refused("getFile", file_id=file_id) == "Bad Request: file is too big"
