"""Requests in every shape HTTP allows and some it does not: what is read, what wins, what is refused and how."""

import json
import socket
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = "学习 & 😀 +%20 = שלום"
FORM = "application/x-www-form-urlencoded"


def multipart(*parts: tuple[str, bytes], boundary: str = "edge", end: str = "--") -> tuple[bytes, dict[str, str]]:
    """A multipart body by hand: header lines and content of each part."""
    body = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts)
    return body + f"--{boundary}{end}\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def named(name: str, file: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file else "")


@pytest.fixture
def post(desk):
    def post(method, content=b"", headers=None, query=""):
        return desk.http.post(f"{desk.bot_url}/{method}{query}", content=content, headers=headers or {})

    return post


SHAPES = {
    "query": lambda chat: (f"?chat_id={chat}&text={quote(TEXT)}", b"", {}),
    "urlencoded": lambda chat: ("", f"chat_id={chat}&text={quote(TEXT)}".encode(), {"Content-Type": FORM}),
    "urlencoded, charset": lambda chat: (
        "",
        f"chat_id={chat}&text={quote(TEXT)}".encode(),
        {"Content-Type": f"{FORM.upper()}; charset=utf-8"},
    ),
    "json": lambda chat: (
        "",
        json.dumps({"chat_id": chat, "text": TEXT}).encode(),
        {"Content-Type": "application/json"},
    ),
    "json, plain utf-8": lambda chat: (
        "",
        json.dumps({"chat_id": str(chat), "text": TEXT, "entities": None}, ensure_ascii=False).encode(),
        {"Content-Type": "application/json; charset=utf-8"},
    ),
    "multipart": lambda chat: ("", *multipart((named("chat_id"), str(chat).encode()), (named("text"), TEXT.encode()))),
    "query and multipart": lambda chat: (f"?chat_id={chat}", *multipart((named("text"), TEXT.encode()))),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_shape_with_every_verb(desk, anna, shape, verb):
    query, body, headers = SHAPES[shape](anna)
    answer = desk.http.request(verb, f"{desk.bot_url}/SENDmessage{query}", content=body, headers=headers)
    assert answer.json()["result"]["text"] == TEXT
    assert [one["text"] for one in desk.messages(anna)] == [TEXT]


def test_head_has_the_code_and_no_body(desk):
    answer = desk.http.head(f"{desk.bot_url}/getMe")
    assert (answer.status_code, answer.content) == (200, b"")
    assert desk.http.head("/bot1:no/getMe").status_code == 401


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/bot{quoted}/getMe", 200),
        ("/bot{token}/getme", 200),
        ("/bot{token}x/getMe", 401),
        ("/bot/getMe", 404),
        ("/bot{token}", 404),
        ("/bot{token}/", 404),
        ("/bot{token}/getMe/", 404),
        ("/bot{token}/get%4De", 200),
        ("/bot{token}/getMoon", 404),
        ("/bot{token}/__class__", 404),
        ("/bot%ff%fe/getMe", 401),
        ("/file/bot{token}/photos/..%2f..%2fetc%2fpasswd", 404),
        ("/file/bot{token}/", 404),
        ("/file/botx/photos/1", 401),
    ],
)
def test_paths(desk, path, code):
    token = desk.playground.token
    answer = desk.http.get(path.format(token=token, quoted=token.replace(":", "%3A")))
    assert answer.status_code == code, answer.text
    if code != 200:
        assert answer.json()["ok"] is False
        assert answer.json()["error_code"] == code


@pytest.mark.parametrize(
    ("query", "body", "read"),
    [
        ("?text=query", "text=body", "body"),
        ("?text=one&text=two", "", "two"),
        ("", "text=one&text=two", "two"),
        ("", "text=%E5%AD%A6", "学"),
        ("?text=%E5", "", "\ufffd"),
    ],
)
def test_of_several_values_the_last_counts(desk, anna, post, query, body, read):
    answer = post("sendMessage", f"chat_id={anna}&{body}".encode(), {"Content-Type": FORM}, query)
    assert answer.json()["result"]["text"] == read


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "can't parse JSON object"),
        (b'{"chat_id": }', "can't parse JSON object"),
        (b"\xff\xfe\x00", "can't parse JSON object"),
        (b'"text"', "object expected as JSON request"),
        (b"null", "object expected as JSON request"),
        (b"[" * 100_000, "can't parse JSON object"),
        (b'{"a":' * 100_000, "can't parse JSON object"),
        (b"", "chat_id is empty"),
        (b"{}", "chat_id is empty"),
        (b'{"chat_id": [1], "text": "x"}', "chat not found"),
        (b'{"chat_id": 1e3, "text": "x"}', "chat not found"),
        (b'{"chat_id": 1' + b"0" * 5000 + b', "text": "x"}', ""),
    ],
    ids=range(12),
)
def test_broken_json(post, body, said):
    answer = post("sendMessage", body, {"Content-Type": "application/json"})
    assert answer.status_code == answer.json()["error_code"] == 400
    assert said in answer.json()["description"]


BROKEN = {
    "no boundary": (b"x", {"Content-Type": "multipart/form-data"}),
    "another boundary": (multipart((named("text"), b"x"))[0], {"Content-Type": "multipart/form-data; boundary=moon"}),
    "no end": multipart((named("text"), b"x"), end=""),
    "no name": multipart(("Content-Disposition: form-data", b"x")),
    "no disposition": multipart(("X-Moon: 1", b"x")),
    "too many fields": multipart(*((named(f"f{n}"), b"x") for n in range(300))),
    "too many files": multipart(*((named(f"f{n}", "a"), b"x") for n in range(60))),
    "a field as large as a file": multipart((named("text"), b"x" * (2**20 + 1))),
    "broken header": (
        b"--edge\r\n\xff\xff\r\n\r\nx\r\n--edge--\r\n",
        {"Content-Type": "multipart/form-data; boundary=edge"},
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_multipart(post, kind):
    answer = post("sendMessage", *BROKEN[kind])
    assert answer.status_code == answer.json()["error_code"] == 400
    assert answer.json()["description"].startswith("Bad Request")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200),
    st.sampled_from(["application/json", FORM, "multipart/form-data; boundary=x", "text/plain"]),
)
def test_whatever_is_sent_the_answer_is_an_answer(post, body, kind):
    answer = post("sendMessage", body, {"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.json()["ok"] is False


@pytest.mark.parametrize(
    ("field", "part"), [("attach://p", "p"), (None, "photo"), ("attach://photo", "photo"), ("", "photo")]
)
def test_an_upload_by_any_of_its_names(desk, anna, picture, field, part):
    data = {"chat_id": str(anna)} | ({} if field is None else {"photo": field})
    answer = desk.upload("sendPhoto", {part: ("a.png", picture(100, 50))}, **data)
    assert [one["width"] for one in answer.json()["result"]["photo"]] == [90, 100]


def test_a_named_file_wins_over_a_part_that_came_along(desk, anna, picture):
    known = desk.upload("sendPhoto", {"photo": ("a.png", picture(100, 50))}, chat_id=str(anna)).json()["result"][
        "photo"
    ]
    again = desk.upload(
        "sendPhoto", {"photo": ("b.png", picture(300, 50))}, chat_id=str(anna), photo=known[-1]["file_id"]
    )
    assert again.json()["result"]["photo"] == known
    missing = desk.upload("sendPhoto", {"other": ("b.png", picture())}, chat_id=str(anna), photo="attach://photo")
    assert missing.json()["description"] == "Bad Request: there is no photo in the request"


def raw(desk, head: str, *chunks: bytes) -> bytes:
    """A request byte by byte, and everything that is answered until the server closes."""
    host, port = desk.playground.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), 10) as wire:
        wire.sendall(head.format(host=f"{host}:{port}", bot=desk.bot_url).encode())
        for chunk in chunks:
            wire.sendall(chunk)
        out = b""
        while got := wire.recv(2**16):
            out += got
    return out


HUGE = "POST {bot}/sendMessage HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("length", ["99999999999", "999999999999999999999"])
def test_a_body_said_to_be_huge_is_refused(desk, length):
    host, port = desk.playground.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), 10) as wire:
        wire.sendall(
            HUGE.format(host=f"{host}:{port}", bot=desk.bot_url).encode() + f"Content-Length: {length}\r\n\r\n".encode()
        )
        wire.shutdown(socket.SHUT_WR)
        answer = wire.recv(2**16)
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"413"}


def test_a_chunked_body_that_grows_too_large_is_told_so(desk):
    """No Content-Length to look at: the bytes are counted as they come."""

    def chunks():
        for _ in range(20):
            yield b" " * 2**16

    answer = desk.control.post("message", content=chunks(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (413, {"error": "Request Entity Too Large"})
    assert answer.headers["content-security-policy"].startswith("default-src")
    assert desk.result("getMe")["is_bot"] is True


def test_a_connection_lost_in_the_middle_does_nothing(desk, anna):
    host, port = desk.playground.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), 10) as wire:
        head = HUGE.format(host=f"{host}:{port}", bot=desk.bot_url) + "Content-Length: 100\r\n\r\n"
        wire.sendall(head.encode() + f'{{"chat_id": {anna}, "text": "half'.encode())
    assert desk.result("getMe")
    assert desk.messages(anna) == []


def test_answers_of_a_pipelined_connection_keep_their_order(desk, anna):
    one = f"GET {desk.bot_url}/sendMessage?chat_id={anna}&text=1 HTTP/1.1\r\nHost: {{host}}\r\n\r\n"
    two = f"GET {desk.bot_url}/getMoon HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n"
    answers = raw(desk, one + two)
    assert answers.count(b"HTTP/1.1 ") == 2
    assert answers.index(b"HTTP/1.1 200") < answers.index(b"HTTP/1.1 404")
