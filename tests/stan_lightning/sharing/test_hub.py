"""A folder sent to a hub and fetched from it: a server on this machine that speaks the hub's protocol."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import __version__, constants

from stan_boundary.errors import InputError
from stan_lightning.sharing.folder import open_model
from stan_lightning.sharing.hub import is_hub_name, local, send

COMMIT = "a" * 40
NOBODY = "http://127.0.0.1:9"


class Hub(BaseHTTPRequestHandler):
    """The few requests that sending and fetching a model take."""

    files: dict[str, bytes]
    asked: list[str]
    refuse: dict[str, tuple[int, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(self.path)
        if self.path in self.refuse:
            self.answer(self.refuse[self.path][1].encode(), code=self.refuse[self.path][0])
        elif "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            modes = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in asked]
            self.say({"files": modes})
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in body.splitlines()]
            for line in lines:
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"{self.address}/me/net/commit/{COMMIT}"
            self.say({"commitUrl": url, "commitOid": COMMIT, "hookOutput": ""})
        else:
            self.say({"url": f"{self.address}/me/net", "id": "1", "name": "me/net"})

    def do_GET(self) -> None:
        self.asked.append(self.path)
        name = self.path.rpartition("/")[2]
        if not self.path.startswith(("/api/models/me/net", "/me/net")):
            self.answer(b"{}", code=404, headers={"X-Error-Code": "RepoNotFound"})
        elif "/resolve/" in self.path:
            data = self.files[name]
            tag = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
            self.answer(data, headers=tag)
        elif "/tree/" in self.path:
            self.say(
                [
                    {"type": "file", "path": one, "size": len(data), "oid": "b" * 40}
                    for one, data in self.files.items()
                ]
            )
        else:
            self.say({"id": "me/net", "sha": COMMIT, "siblings": [{"rfilename": one} for one in self.files]})

    do_HEAD = do_GET

    @property
    def address(self) -> str:
        return f"http://{self.headers['Host']}"

    def say(self, content: object) -> None:
        self.answer(json.dumps(content).encode())

    def answer(self, data: bytes, code: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hub() -> Iterator[tuple[type[Hub], str]]:
    own = type("Own", (Hub,), {"files": {}, "asked": [], "refuse": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield own, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def cached(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Points the hub's library, as HF_ENDPOINT and HF_HOME do where it is loaded, to an address."""
    if int(__version__.partition(".")[0]) < 2:
        pytest.skip("this version of huggingface_hub asks huggingface.co about cards, whatever its endpoint")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def point(address: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", "hf_secret")

    return point


def test_a_folder_is_sent_and_fetched(
    hub: tuple[type[Hub], str], model: Path, elsewhere: Callable[[str], None]
) -> None:
    """Its card is judged first; what else lies in the folder stays here."""
    server, address = hub
    elsewhere(address)
    (model / "README.md").write_text("---\nlicense: other\nlibrary_name: stan-lightning\n---\n# net\n")
    (model / "notes.txt").write_text("mine")
    assert send(model, "me/net") == f"{address}/me/net"
    assert server.asked[:2] == ["/api/validate-yaml", "/api/repos/create"]
    files = ["README.md", "config.json", "model.safetensors"]
    assert sorted(server.files) == files
    assert all((model / name).read_bytes() == data for name, data in server.files.items())
    server.files["evil.py"] = b"import os"
    folder = local("me/net")
    assert cached(folder) == files and open_model(folder).data["clip_frames"] == 8
    with pytest.raises(InputError, match="model=me/other: the hub knows no such model"):
        local("me/other")
    elsewhere(NOBODY)
    assert cached(local("me/net")) == files  # kept from before


@pytest.mark.parametrize(
    ("path", "code", "text", "said"),
    [
        ("/api/validate-yaml", 400, "license must be one of ...", "license must be one of"),
        ("/api/models/me/net/preupload/main", 401, "{}", "log in by `hf auth login`"),
        ("/api/repos/create", 500, "{}", "the hub refuses (500"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    hub: tuple[type[Hub], str],
    model: Path,
    elsewhere: Callable[[str], None],
    path: str,
    code: int,
    text: str,
    said: str,
) -> None:
    server, address = hub
    elsewhere(address)
    server.refuse[path] = (code, text)
    (model / "README.md").write_text("---\nlicense: mine\n---\n# net\n")
    with pytest.raises(InputError) as error:
        send(model, "me/net")
    told = str(error.value)
    assert told.startswith("hub=me/net: ") and said in told and "\n" not in told and "hf_secret" not in told
    assert not server.files


def test_a_hub_that_is_not_there(model: Path, elsewhere: Callable[[str], None]) -> None:
    elsewhere(NOBODY)
    for ask in (lambda: local("me/net"), lambda: send(model, "me/net")):
        with pytest.raises(InputError, match="cannot be reached") as error:
            ask()
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="hub=net: give user/name"):
        send(model, "net")


def test_a_name_is_the_hubs_only_where_no_folder_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_hub_name("me/net") and local("models") == Path("models")
    for text in ("models", "a/b/c", "../net", "/me/net", "me/", "me/ne t", "~/net"):
        assert not is_hub_name(text), text
    (tmp_path / "me").mkdir()
    assert not is_hub_name("me/net") and local("me/net") == Path("me/net")
