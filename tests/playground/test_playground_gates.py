"""Every door of the playground tried by those who may not pass: each control route, each page route, the live stream."""

import asyncio
import json

import pytest
import websockets.asyncio.client as ws
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.playground.control import Control

ROUTES = [
    ("GET", "state?learner=1001"),
    ("GET", "transcript"),
    ("POST", "message"),
    ("POST", "tap"),
    ("POST", "learner"),
    ("PATCH", "learner"),
    ("POST", "group"),
    ("GET", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("GET", "calls"),
    ("GET", "settings"),
    ("PATCH", "settings"),
    ("POST", "reset"),
]
STRANGERS = {
    "no key": {},
    "half a key": {"X-Playground-Key": "HALF"},
    "key and more": {"X-Playground-Key": "MORE"},
    "origin": {"X-Playground-Key": "KEY", "Origin": "https://evil.example"},
    "no origin at all": {"X-Playground-Key": "KEY", "Origin": "null"},
    "another port": {"X-Playground-Key": "KEY", "Origin": "http://127.0.0.1:1"},
    "another scheme": {"X-Playground-Key": "KEY", "Origin": "https://HOST"},
    "rebound name": {"X-Playground-Key": "KEY", "Host": "playground.evil.example"},
    "name that begins well": {"X-Playground-Key": "KEY", "Host": "localhost.evil.example"},
    "cross-site": {"X-Playground-Key": "KEY", "Sec-Fetch-Site": "cross-site"},
    "same-site": {"X-Playground-Key": "KEY", "Sec-Fetch-Site": "same-site"},
}
WORDS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy", "cache-control")


def dressed(desk, headers):
    key, host = desk.playground.key, desk.playground.url.removeprefix("http://").rstrip("/")
    stand_ins = {"KEY": key, "HALF": key[: len(key) // 2], "MORE": key + "x", "https://HOST": f"https://{host}"}
    return {name: stand_ins.get(value, value) for name, value in headers.items()}


@pytest.fixture(autouse=True, scope="module")
def untouched(desk):
    """Whatever is tried here, nothing has changed in the end."""

    def world():
        session = desk.read("session")
        return session["learners"][0], session["flood"], session["strict"], desk.read("faults"), desk.messages(1001)

    before = world()
    yield
    assert world() == before


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize(("verb", "path"), ROUTES)
def test_a_stranger_at_a_control_route(desk, verb, path, stranger):
    answer = desk.http.request(verb, f"/sim/{path}", headers=dressed(desk, STRANGERS[stranger]))
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("Forbidden")
    assert desk.playground.key not in answer.text
    assert all(word in answer.headers for word in WORDS)


def test_every_control_route_is_tried_here(desk):
    """A route added later has to be added above too, or to the few that want no key."""
    router = Control(desk.playground._world, "key").router()
    known = {(verb, f"/sim/{path.partition('?')[0]}") for verb, path in ROUTES}
    open_ones = {("GET", path) for path in ("/", "/static/{name}", "/sim/session", "/sim/file/{file_id}")}
    found = set()
    pending = list(router.routes)
    while pending:
        route = pending.pop()
        if hasattr(route, "methods"):
            found |= {(verb, route.path) for verb in route.methods}
        pending += getattr(getattr(route, "original_router", None), "routes", [])
    assert {
        (verb, path if path.startswith(("/sim", "/static")) or path == "/" else f"/sim{path}") for verb, path in found
    } == known | open_ones


@pytest.mark.parametrize("headers", [h for h in STRANGERS.values() if len(h) > 1], ids=str)
def test_a_stranger_at_the_bot_api(desk, anna, headers):
    body = {"chat_id": anna, "text": "forged"}
    answer = desk.http.post(f"{desk.bot_url}/sendMessage", json=body, headers=dressed(desk, headers))
    assert (answer.status_code, answer.json()["ok"], answer.json()["error_code"]) == (403, False, 403)
    assert desk.messages(anna) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", 200),
        ("/static/main.js", 200),
        ("/static/api.js", 200),
        ("/static/none.js", 404),
        ("/favicon.ico", 404),
        ("/sim/session", 200),
        ("/sim/file/none", 404),
        ("/sim/none", 404),
        ("/docs", 404),
        ("/openapi.json", 404),
        ("/bot1:x/getMe", 401),
        ("/file/bot1:x/photos/1", 401),
    ],
)
def test_headers_on_every_route(desk, path, code):
    answer = desk.http.get(path)
    assert answer.status_code == code
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (answer.headers["x-frame-options"], answer.headers["cache-control"]) == ("DENY", "no-store")
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("verb", ["OPTIONS", "TRACE", "PUT", "CONNECT"])
def test_no_preflight_opens_a_door(desk, verb):
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-playground-key"}
    answer = desk.http.request(verb, "/sim/message", headers=headers)
    assert answer.status_code in {400, 403, 404, 405}
    assert not [name for name in answer.headers if name.startswith("access-control")]


OUTWARD = [
    "../serve.py",
    "..%2fserve.py",
    "%2e%2e%2fserve.py",
    "..%5cserve.py",
    "%2fetc%2fpasswd",
    "....//serve.py",
    ".",
]
OUTWARD += ["%00", "main.js%00.png", "MAIN.JS", "main.js/", "main.js%20", "file%3a%2f%2f%2fetc%2fpasswd", "x" * 3000]


@pytest.mark.parametrize("root", ["/static/", "/sim/file/"])
@pytest.mark.parametrize("name", OUTWARD)
def test_no_path_leads_out(desk, root, name):
    answer = desk.http.get(root + name)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "import " not in answer.text


@pytest.mark.parametrize(
    "query",
    [{"learner": 10**30}, {"learner": -(10**30)}, {"learner": "x"}, {"learner": ""}, {}],
    ids=str,
)
def test_numbers_no_database_holds(desk, query):
    assert desk.control.get("state", params=query).status_code == 422
    if query:
        assert desk.sim_code("message", text="x", **query) == 422
        assert desk.sim_code("tap", chat=1, message=10**40, data="x", **query) == 422
        assert desk.control.get("transcript", params={"chat": query["learner"]}).status_code == 422


def address(desk, query):
    return desk.playground.url.replace("http", "ws") + "sim/live" + query


def frames(desk, query="", count=1, **headers):
    """The first frames of a connection."""

    async def listen():
        async with ws.connect(
            address(desk, f"?key={desk.playground.key}{query}"), additional_headers=headers, proxy=None
        ) as page:
            return [json.loads(await asyncio.wait_for(page.recv(), 10)) for _ in range(count)]

    return asyncio.run(listen())


@pytest.mark.parametrize(
    "query", ["", "?key=", "?key=wrong", "?KEY=KEY", "?key=KEY%00", "?key=KEY&since=moon", "?since=1&key=%D0%BA"]
)
def test_handshakes_without_the_key_or_with_nonsense(desk, query):
    async def knock():
        async with ws.connect(address(desk, query.replace("=KEY", f"={desk.playground.key}")), proxy=None) as page:
            await asyncio.wait_for(page.recv(), 10)

    with pytest.raises((InvalidStatus, ConnectionClosed)):
        asyncio.run(knock())


@pytest.mark.parametrize(
    "headers", [{"Origin": "null"}, {"Origin": "https://127.0.0.1"}, {"Sec-Fetch-Site": "same-site"}], ids=str
)
def test_handshakes_from_elsewhere(desk, headers):
    with pytest.raises(InvalidStatus) as refusal:
        frames(desk, **headers)
    assert refusal.value.response.status_code == 403


def test_a_listener_says_nothing_and_is_not_heard(desk):
    """Frames of the page are read and forgotten, whatever they hold."""

    async def talk():
        async with ws.connect(address(desk, f"?key={desk.playground.key}"), proxy=None) as page:
            await page.recv()
            for frame in ("{", b"\x00" * 100, '{"type": "reset"}'):
                await page.send(frame)
            desk.http.get(f"{desk.bot_url}/getMe")
            return json.loads(await asyncio.wait_for(page.recv(), 10))

    assert asyncio.run(talk())["call"]["method"] == "getMe"


@pytest.mark.parametrize(("ahead", "kind"), [(0, "hello"), (1, "resync"), (10**12, "resync"), (-(10**12), "resync")])
def test_since_now_ahead_and_long_ago(desk, ahead, kind):
    seq = desk.read("session")["seq"]
    [first] = frames(desk, f"&since={seq + ahead}")
    assert first == {"type": kind, "seq": seq}


def test_what_was_missed_comes_once_and_in_order(desk):
    seq = desk.read("session")["seq"]
    for _ in range(3):
        desk.result("getMe")
    told = frames(desk, f"&since={seq}", count=4)
    assert [one["seq"] for one in told] == [seq + 3, seq + 1, seq + 2, seq + 3]
    assert [one["call"]["method"] for one in told[1:]] == ["getMe"] * 3
    assert [one["seq"] for one in frames(desk, f"&since={seq + 2}", count=2)] == [seq + 3, seq + 3]
