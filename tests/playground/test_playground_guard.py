"""Who may talk to the playground: a forged request from another site, a foreign Host, hostile names; and what a body never shows."""

import asyncio
from pathlib import Path

import httpx
import pytest
import websockets.asyncio.client as ws
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.playground.guard import is_loopback
from bot.playground.serve import AddressInUse, CannotStart, NotLoopback, Playground, StateUnreadable

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\u202egnp.exe",
    "' OR 1=1 --",
    "a\x00b",
    "{{7*7}}",
    "💣" * 60,
    "</script><script>",
]


@pytest.mark.parametrize("path", ["/", "/static/index.html", "/sim/session", "/sim/state?learner=1001", "/sim/file/x"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8600"},
        {"Host": ""},
        {"Host": "192.168.1.5:8600"},
        {"Host": "[::1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_foreign_requests_are_refused(http, playground, path, headers):
    answer = await http.get(path, headers={"X-Playground-Key": playground.key, **headers})
    assert answer.status_code in {400, 403}
    assert playground.key not in answer.text


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}], ids=str
)
async def test_foreign_pages_cannot_use_the_bot_api_either(http, playground, headers):
    url = f"/bot{playground.token}/sendMessage"
    answer = await http.post(url, data={"chat_id": "1001", "text": "x"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["ok"] is False
    assert (await http.get(f"/file/bot{playground.token}/photos/x", headers=headers)).status_code == 403


async def test_a_forged_cross_site_post_changes_nothing(http, sim, playground):
    """What a form on another page can send: no header of its own choice, but the browser tells where it comes from."""
    body = '{"learner": 1001, "text": "forged"}'
    headers = {"Content-Type": "text/plain", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await http.post("/sim/message", content=body, headers=headers)).status_code == 403
    without_key = {"Content-Type": "application/json", "Origin": playground.url.rstrip("/")}
    assert (await http.post("/sim/message", content=body, headers=without_key)).status_code == 403
    assert (await sim.get("transcript")).json()["chats"][0]["messages"] == []


@pytest.mark.parametrize("key", [None, "", "wrong", "ключ".encode()])
@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "state?learner=1001"),
        ("POST", "message"),
        ("POST", "tap"),
        ("POST", "reset"),
        ("DELETE", "faults"),
        ("GET", "calls"),
    ],
)
async def test_control_calls_want_the_key(http, key, verb, path):
    headers = {} if key is None else {"X-Playground-Key": key}
    answer = await http.request(verb, f"/sim/{path}", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("Forbidden")


@pytest.mark.parametrize("path", ["/", "/sim/session", "/static/none.js", "/sim/state"])
async def test_headers_of_every_answer(http, path):
    headers = (await http.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


async def test_the_own_page_may(http, playground):
    own = {"Origin": playground.url.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert (await http.get("/sim/session", headers=own)).status_code == 200
    port = playground.url.rstrip("/").rpartition(":")[2]
    localhost = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert (await http.get("/sim/session", headers=localhost)).status_code == 200


@pytest.mark.parametrize(
    "name", ["..%2fserve.py", "%2e%2e/serve.py", "serve.py", "index.html%00.js", ".html", "x.html", "..%5cserve.py"]
)
async def test_static_files_are_the_pages_own(http, name):
    assert (await http.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_come_back_as_data(bot, sim, name):
    learner = (await sim.post("learner", json={"first_name": name})).json()["learner"]
    group = (await sim.post("group", json={"title": name, "members": [learner["id"]]})).json()["chat"]
    sent = (await sim.post("message", json={"learner": learner["id"], "text": name})).json()["message"]
    answer = await sim.get("state", params={"learner": learner["id"]})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["learner"]["first_name"] == group["title"] == name
    assert sent["text"] == name.strip()
    assert (await bot.get_chat(learner["id"])).first_name == name


async def test_bodies_are_limited(sim):
    answer = await sim.post("message", content=b" " * (2**20 + 1), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413

    async def chunks():
        for _ in range(20):
            yield b" " * 2**16

    assert (await sim.post("message", content=chunks())).status_code >= 400


async def test_our_own_faults_show_no_trace(own, monkeypatch):
    def broken(_tx, _ask):
        raise RuntimeError("secret /path")

    monkeypatch.setitem(__import__("bot.playground.bot_api").playground.bot_api.METHODS, "getMe", broken)
    async with httpx.AsyncClient(base_url=own.url, trust_env=False, verify=False) as http:
        answer = await http.get(f"/bot{own.token}/getMe")
    assert answer.status_code == 500
    assert answer.json() == {"ok": False, "error_code": 500, "description": "Internal Server Error"}


async def test_only_loopback_unless_exposed(tmp_path: Path):
    with pytest.raises(NotLoopback):
        await Playground(tmp_path, host="0.0.0.0", port=0).start()
    exposed = Playground(tmp_path, host="0.0.0.0", port=0, expose=True)
    port = (await exposed.start()).rstrip("/").rpartition(":")[2]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as http:
        assert (await http.get("/sim/session", headers={"Host": f"192.168.1.5:{port}"})).status_code == 200
        assert (await http.get("/sim/session", headers={"Host": "rebound.example"})).status_code == 403
    await exposed.stop()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_what_loopback_is(host, loopback):
    assert is_loopback(host) is loopback


async def test_a_taken_port_and_a_broken_file_are_told_apart(own, tmp_path):
    port = int(own.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(AddressInUse):
        await Playground(tmp_path, port=port).start()
    with pytest.raises(StateUnreadable, match="locked"):
        await Playground(tmp_path / "own", port=0).start()
    (tmp_path / "playground.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StateUnreadable):
        await Playground(tmp_path, port=0).start()
    assert issubclass(AddressInUse, CannotStart)


def live(playground: Playground, query: str = "", **headers: str) -> "ws.connect":
    url = playground.url.replace("http", "ws") + f"sim/live?key={playground.key}{query}"
    return ws.connect(url, additional_headers=headers, proxy=None)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}], ids=str
)
async def test_foreign_handshakes_are_refused(playground, headers):
    with pytest.raises(InvalidStatus) as refusal:
        async with live(playground, **headers):
            pass
    assert refusal.value.response.status_code == 403


async def test_a_handshake_without_the_key_is_refused(playground):
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with ws.connect(playground.url.replace("http", "ws") + "sim/live?key=wrong", proxy=None) as socket:
            await asyncio.wait_for(socket.recv(), 5)


async def test_the_own_origin_may_listen(playground):
    async with live(playground, Origin=playground.url.rstrip("/")) as socket:
        assert '"hello"' in await asyncio.wait_for(socket.recv(), 5)
