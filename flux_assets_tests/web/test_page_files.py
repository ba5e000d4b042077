"""What holds of the page's files whatever they show."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flux_assets.storage.buckets import bucket_of

PAGE = Path(__file__).parents[2] / "flux_assets" / "publishing" / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
TEXTS = PAGE / "texts.js"
_LANGUAGE = re.compile(r"^  (\w\w): \{$(.*?)^  \},$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r'^    "?([\w.]+)"?:', re.MULTILINE)
_NODE = shutil.which("node")


class _Tags(HTMLParser):
    """What index.html loads, and what of it a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.refused.append(tag)
        self.refused += [name for name in given if name == "style" or name.startswith("on")]
        if tag in {"script", "link"}:
            self.loaded.append(str(given.get("src") or given.get("href")))


def _keys_by_language() -> dict[str, list[str]]:
    return {name: _KEY.findall(texts) for name, texts in _LANGUAGE.findall(TEXTS.read_text())}


def test_every_language_has_every_text_once() -> None:
    keys = _keys_by_language()
    assert set(keys) == {"en", "de", "fr"}
    for of in keys.values():
        assert len(of) == len(set(of))
        assert of == keys["en"]


def test_every_text_that_is_asked_for_is_there() -> None:
    asked: set[str] = set()
    for path in SCRIPTS:
        asked |= set(re.findall(r'\bsay\("([\w.]+)"', path.read_text("utf-8")))
    index = (PAGE / "index.html").read_text("utf-8")
    asked |= set(re.findall(r'data-(?:text|label|hint)="([\w.]+)"', index))
    assert asked - set(_keys_by_language()["en"]) == set()


def test_the_page_loads_each_of_its_files_and_nothing_else() -> None:
    tags = _Tags()
    tags.feed((PAGE / "index.html").read_text("utf-8"))
    assert tags.refused == []
    assert len(tags.loaded) == len(set(tags.loaded))
    assert set(tags.loaded) == {it.name for it in PAGE.iterdir()} - {"index.html"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_strict_and_makes_no_html_of_texts(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith('"use strict";\n')
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text) == []
    )
    assert path == TEXTS or len(text.splitlines()) < 300


@pytest.mark.skipif(_NODE is None, reason="needs node")
def test_scripts_are_javascript() -> None:
    program = """
        const [vm, fs] = [require("vm"), require("fs")];
        for (const file of process.argv.slice(1)) new vm.Script(fs.readFileSync(file, "utf8"));
    """
    command = [str(_NODE), "-e", program, *map(str, SCRIPTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


def _run_script(name: str, program: str) -> object:
    """What a program writes, as JSON, once a script of the page is loaded."""
    before = """
        globalThis.sheet = {page: {token: ""}, language: {say: (key) => key}, tell: () => {}};
    """
    script = (PAGE / name).read_text("utf-8")
    command = [str(_NODE), "-e", f"{before}\n{{{script}}}\n{program}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(_NODE is None, reason="needs node")
def test_the_answer_of_a_proxy_that_wants_a_login_is_told_and_not_taken_for_ours() -> None:
    program = """
        const [page, ours] = ["text/html", "application/json"];
        const reply = (type, body, status = 200) =>
            new Response(body, {status, headers: {"content-type": type}});
        const replies = [
            reply(page, "<p>Sign in"), reply(page, "<p>Sign in", 401), {type: "opaqueredirect",
            headers: new Headers(), ok: false, status: 0}, reply(page, "<p>Bad gateway", 502),
            reply(ours, '{"a"'), reply(ours, '{"error": "no"}', 409), reply(ours, '{"items": []}'),
        ];
        globalThis.fetch = async () => replies.shift();
        (async () => {
            const told = [];
            while (replies.length) await sheet.api.post("/", {}).then(
                (answer) => told.push(Object.keys(answer)),
                (error) => told.push([error.message, error.status]),
            );
            console.log(JSON.stringify(told));
        })();
    """
    assert _run_script("api.js", program) == [
        *[["server.signed_out", 401]] * 3,
        *(["server.refused", 502], ["server.away", 0], ["no", 409], ["items"]),
    ]


@pytest.mark.skipif(_NODE is None, reason="needs node")
def test_each_product_is_found_in_the_order_of_the_manifest() -> None:
    ids = sorted(
        ["A", "A1", "a", "\uff21", "\U0001f600", "\ufffd", "\U0001f600b", "\u00e9", "-B", ""]
    )
    program = f"""
        const ids = {json.dumps(ids)};
        sheet.load = async () => ids.map((id) => [id, "hero"]);
        sheet.data.head = {{rows: ids.length, chunk: 100}};
        (async () => {{
            const found = [];
            for (const id of [...ids, "b"]) found.push(await sheet.data.find(id, "hero"));
            console.log(JSON.stringify(found));
        }})();
    """
    assert _run_script("data.js", program) == [*range(len(ids)), -1]


@pytest.mark.skipif(_NODE is None, reason="needs node")
@pytest.mark.parametrize("crypto", ["globalThis.crypto", "undefined"], ids=["secure", "plain"])
def test_each_product_is_found_in_its_bucket(crypto: str) -> None:
    ids = sorted((f"P-{number}" for number in range(700)), key=lambda it: (bucket_of(it), it))
    starts = {bucket_of(it): at for at, it in reversed([*enumerate(ids)])}
    program = f"""
        const ids = {json.dumps(ids)};
        Object.defineProperty(globalThis, "crypto", {{value: {crypto}}});
        sheet.load = async () => ids.map((id) => [id, "hero"]);
        const parts = {json.dumps(sorted(starts.items()))};
        sheet.data.head = {{rows: ids.length, chunk: 1000, parts}};
        (async () => {{
            const found = [];
            for (const id of [...ids, "P-700"]) found.push(await sheet.data.find(id, "hero"));
            console.log(JSON.stringify(found));
        }})();
    """
    assert _run_script("data.js", program) == [*range(len(ids)), -1]
