"""Models on this machine: found, added, verified, removed, downloaded from a server on this machine."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from VISTA3DSegmentLib.errors import Cancelled, ModelError, ResourceError
from VISTA3DSegmentLib.models import identity, registry, store, transfer
from VISTA3DSegmentLib.models.model_file import ModelFile
from VISTA3DSegmentLib.models.registry import KnownModel, PublishedVocabulary
from VISTA3DSegmentLib.models.vocabulary import PAIRS

WEIGHTS = (40).to_bytes(8, "little") + b'{"__metadata__":{}}'.ljust(40) + bytes(range(256)) * 12_000  # 3 MB: 3 chunks
OTHER = WEIGHTS[:-1] + b"\x00"
VOCABULARY = b"#version: 0.2\n" + b"".join(b"a %d\n" % n for n in range(PAIRS))


@dataclass
class Published:
    """A file on a server that can be made to misbehave."""

    content: bytes = WEIGHTS
    etag: str | None = '"one"'
    ranges: bool = True
    breaks_after: int | None = None
    status: int | None = None
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(request.headers))
        if self.status:
            request.send_error(self.status)
            return
        start = self.start_for(request.headers)
        if start and start >= len(self.content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.content)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.etag:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(self.content) - start))
        request.end_headers()
        request.wfile.write(self.content[start : self.breaks_after])

    def start_for(self, headers: Any) -> int:
        wanted = headers.get("Range")
        if not wanted or not self.ranges or headers.get("If-Range") not in (None, self.etag):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISTA3DSEGMENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@contextmanager
def served(content: bytes) -> Iterator[Published]:
    """A file on a server of its own."""
    file = Published(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # clients that hang up are a part of these tests

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    file.url = f"http://127.0.0.1:{server.server_port}/model.safetensors"
    yield file
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def published() -> Iterator[Published]:
    with served(WEIGHTS) as file:
        yield file


@pytest.fixture
def words() -> Iterator[Published]:
    """A vocabulary on its server."""
    with served(VOCABULARY) as file:
        yield file


def register(monkeypatch: pytest.MonkeyPatch, model: KnownModel) -> None:
    """Put a model into the registry, and leave the real ones out of reach of the tests' network."""
    models = (registry.STARTER, model)
    for module in (store, identity):
        monkeypatch.setattr(module, "KNOWN_MODELS", models)
    monkeypatch.setattr(store, "BY_NAME", {known.name: known for known in models})
    monkeypatch.setattr(registry, "BY_NAME", {known.name: known for known in models})


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, published: Published) -> KnownModel:
    model = KnownModel(
        name="tiny",
        title="a test",
        source="https://example.org",
        url=published.url,
        file="tiny.safetensors",
        licence=registry.APACHE_2,
        specification=registry.CT_SPECIFICATION,
        size_bytes=len(WEIGHTS),
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    )
    register(monkeypatch, model)
    return model


@pytest.fixture
def speaking(tiny: KnownModel, words: Published, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """The tiny model as one that understands texts."""
    vocabulary = PublishedVocabulary(words.url, len(VOCABULARY))
    specification = registry.SEGVOL_SPECIFICATION
    model = replace(tiny, vocabulary=vocabulary, architecture="segvol", specification=specification)
    register(monkeypatch, model)
    return model


class Person:
    """Someone who is asked, and who sees the progress."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked: list[KnownModel] = []
        self.progress: list[tuple[int, int | None]] = []

    def ask(self, model: KnownModel) -> bool:
        self.asked.append(model)
        return self.answer

    def watch(self, done: int, total: int | None) -> None:
        self.progress.append((done, total))


def download(person: Person | None = None) -> ModelFile:
    person = person or Person()
    return store.download("tiny", person.ask, person.watch)


def written(path: Path, content: bytes = WEIGHTS) -> Path:
    path.write_bytes(content)
    return path


def leftovers(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").iterdir())


# Where the store is


def test_the_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert store.home() == tmp_path / "home"
    monkeypatch.setenv("VISTA3DSEGMENT_HOME", "~/elsewhere")
    assert store.home() == Path.home() / "elsewhere"


def test_each_platform_has_its_usual_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VISTA3DSEGMENT_HOME")
    monkeypatch.setattr(store.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.home() == tmp_path / "vista3dsegment"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert store.home() == Path.home() / ".cache" / "vista3dsegment"
    monkeypatch.setattr(store.sys, "platform", "darwin")
    assert store.home() == Path.home() / "Library" / "Caches" / "VISTA3DSegment"
    monkeypatch.setattr(store.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert store.home() == tmp_path / "VISTA3DSegment"


# Finding


def test_a_known_model_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(ModelError, match=r"not on this machine.*models download nv-segment-ct'.*models add FILE"):
        store.find("nv-segment-ct")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'nv-segment-tc'.*Did you mean nv-segment-ct"):
        store.find("nv-segment-tc")


def test_a_path_is_found_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.safetensors")
    assert store.find(path) == store.find(str(path)) == ModelFile(path, None)
    with pytest.raises(ModelError, match=r"no file .*absent\.pt"):
        store.find("absent.pt")


def test_a_published_file_is_recognised_wherever_it_lies(tmp_path: Path, tiny: KnownModel) -> None:
    path = written(tmp_path / "whatever.safetensors")
    assert store.find(path) == ModelFile(path, tiny, tiny.sha256)
    assert store.find(written(path, OTHER)).known is None


@pytest.mark.parametrize("name", ["starter", "segvol-starter"])
def test_the_starters_come_from_the_installation(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(store, "resource", lambda relative: tmp_path / relative)
    assert store.find(name).path == tmp_path / f"Models/{name}/{name}.safetensors"
    for refused in (
        lambda: store.remove(name),
        lambda: store.add(written(tmp_path / "a.pt", b"PK\x03\x04"), name),
    ):
        with pytest.raises(ModelError, match=name):
            refused()


# Adding


def test_an_added_file_is_found_under_its_name(tmp_path: Path) -> None:
    added = store.add(written(tmp_path / "mine.safetensors"))
    assert store.find("mine") == added
    assert added.path.read_bytes() == WEIGHTS
    assert added.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert added.known is None


def test_a_published_file_is_recognised_when_added(tmp_path: Path, tiny: KnownModel) -> None:
    assert store.add(written(tmp_path / "model (1).safetensors")).known == tiny
    assert store.find("tiny").known == tiny
    assert store.add(tmp_path / "model (1).safetensors", "under-another-name").known == tiny
    assert store.find("under-another-name").known == tiny


def test_a_file_without_a_published_hash_is_recognised_by_its_exact_size(
    tmp_path: Path, tiny: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhashed = replace(tiny, sha256=None)
    register(monkeypatch, unhashed)
    assert store.add(written(tmp_path / "model.safetensors")).known == unhashed


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [({}, "SHA-256"), ({"size_bytes": 7}, "instead of 7"), ({"sha256": None, "md5": "0" * 32}, "MD5")],
)
def test_a_file_that_is_not_the_published_one_is_not_added(
    changed: dict[str, Any],
    complaint: str,
    tmp_path: Path,
    home: Path,
    tiny: KnownModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(monkeypatch, replace(tiny, **changed))
    with pytest.raises(ModelError, match=complaint):
        store.add(written(tmp_path / "model.safetensors", OTHER), "tiny")
    assert leftovers(home) == []


def test_a_taken_name_is_not_overwritten(tmp_path: Path) -> None:
    store.add(written(tmp_path / "mine.safetensors"))
    store.add(tmp_path / "mine.safetensors")  # the same again does no harm
    with pytest.raises(ModelError, match="already another model called mine"):
        store.add(written(tmp_path / "mine.safetensors", OTHER))
    assert store.find("mine").path.read_bytes() == WEIGHTS


@pytest.mark.parametrize("name", ["../mine", ".hidden", "a/b", "", "mine.pt", "x" * 101, "mine\n"])
def test_a_name_cannot_leave_the_store(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be the name"):
        store.add(written(tmp_path / "mine.safetensors"), name)
    with pytest.raises(ModelError):
        store.remove(name)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("page.safetensors", b"<!DOCTYPE html><html>"),
        ("pointer.pt", b"version https://git-lfs.github.com/spec/v1\n"),
        ("empty.safetensors", b""),
        ("notes.txt", b"PK\x03\x04"),
    ],
)
def test_what_is_no_weights_is_not_added(file: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="file of weights"):
        store.add(written(tmp_path / file, content))
    with pytest.raises(ModelError, match="file of weights"):
        store.add(tmp_path / "absent.pt")


def test_a_full_disk_while_adding_leaves_nothing(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "digest_while_copying", full)
    with pytest.raises(ResourceError, match="No space left"):
        store.add(written(tmp_path / "mine.safetensors"))
    assert leftovers(home) == []


# Listing, verifying, removing


def test_the_list_shows_known_and_own_models(tmp_path: Path, tiny: KnownModel) -> None:
    store.add(written(tmp_path / "mine.safetensors", OTHER))
    listed = {model.name: model for model in store.list_models()}
    assert set(listed) == {"starter", "tiny", "mine"}
    assert listed["tiny"].path is None
    assert listed["mine"].path is not None
    store.add(written(tmp_path / "model.safetensors"))
    assert {model.name: model.path for model in store.list_models()}["tiny"] == store.find("tiny").path


def test_verify_notices_a_single_changed_byte(tmp_path: Path) -> None:
    added = store.add(written(tmp_path / "mine.safetensors"))
    assert store.verify("mine") == added
    added.path.write_bytes(OTHER)
    with pytest.raises(ModelError, match="has changed since"):
        store.verify("mine")


def test_verify_compares_with_what_was_published(tmp_path: Path, tiny: KnownModel) -> None:
    added = store.add(written(tmp_path / "model.safetensors"))
    added.path.write_bytes(OTHER)
    with pytest.raises(ModelError, match="damaged or not tiny"):
        store.verify("tiny")


def test_remove_leaves_nothing(tmp_path: Path, home: Path) -> None:
    store.add(written(tmp_path / "mine.safetensors"))
    store.remove("mine")
    assert leftovers(home) == []
    with pytest.raises(ModelError, match="no model called 'mine'"):
        store.remove("mine")


def test_a_damaged_note_is_named_and_does_not_hide_the_list(tmp_path: Path, home: Path) -> None:
    store.add(written(tmp_path / "mine.safetensors"))
    (home / "models" / "mine.json").write_text("{")
    with pytest.raises(ModelError, match=r"mine\.json.*add it again"):
        store.find("mine")
    assert "mine" in [model.name for model in store.list_models()]
    store.remove("mine")
    assert leftovers(home) == []


# Vocabularies


def vocabulary_file(tmp_path: Path, content: bytes = VOCABULARY) -> Path:
    return written(tmp_path / "merges.txt", content)


def test_a_vocabulary_is_kept_beside_its_model_and_leaves_with_it(
    tmp_path: Path, home: Path, speaking: KnownModel
) -> None:
    added = store.add(written(tmp_path / "model.safetensors"), vocabulary=vocabulary_file(tmp_path))
    assert added == store.find("tiny") == store.verify("tiny")
    assert added.vocabulary == home / "models" / "tiny.merges.txt"
    assert added.vocabulary.read_bytes() == VOCABULARY
    assert not added.lacks_vocabulary
    store.remove("tiny")
    assert leftovers(home) == []


def test_a_model_without_its_vocabulary_says_so_and_can_get_it_later(tmp_path: Path, speaking: KnownModel) -> None:
    path = written(tmp_path / "model.safetensors")
    assert store.add(path).lacks_vocabulary
    assert {model.name: model.file for model in store.list_models()}["tiny"].lacks_vocabulary  # type: ignore[union-attr]
    assert not store.add(path, vocabulary=vocabulary_file(tmp_path)).lacks_vocabulary
    assert not store.add(path).lacks_vocabulary


@pytest.mark.parametrize(
    "content",
    [
        b"<html>Please log in</html>",
        VOCABULARY[: len(VOCABULARY) // 2],
        VOCABULARY.replace(b"a 7\n", b"a  7 b\n"),
        b"\xff\xfe" + VOCABULARY,
        b"",
    ],
    ids=["page", "half", "no pair", "no text", "empty"],
)
def test_what_is_no_vocabulary_is_not_added(content: bytes, tmp_path: Path, home: Path) -> None:
    weights = written(tmp_path / "mine.pt", b"PK\x03\x04")
    with pytest.raises(ModelError, match=r"merges\.txt is no vocabulary"):
        store.add(weights, vocabulary=vocabulary_file(tmp_path, content))
    with pytest.raises(ModelError, match=r"no file .*absent\.txt"):
        store.add(weights, vocabulary=tmp_path / "absent.txt")
    assert leftovers(home) == []


def test_another_vocabulary_than_the_published_one_is_refused(tmp_path: Path, home: Path, speaking: KnownModel) -> None:
    weights = written(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="not the published vocabulary"):
        store.add(weights, vocabulary=vocabulary_file(tmp_path, VOCABULARY + b"\n"))
    assert leftovers(home) == []
    store.add(weights, vocabulary=vocabulary_file(tmp_path))
    (home / "models" / "tiny.merges.txt").write_bytes(VOCABULARY[:-9])
    with pytest.raises(ModelError, match="not the published vocabulary"):
        store.verify("tiny")


def test_a_model_that_takes_no_text_takes_no_vocabulary(tmp_path: Path, home: Path, tiny: KnownModel) -> None:
    with pytest.raises(ModelError, match="tiny has no text tower"):
        store.add(written(tmp_path / "model.safetensors"), vocabulary=vocabulary_file(tmp_path))
    assert leftovers(home) == []


def test_beside_a_file_of_ones_own_the_vocabulary_may_have_the_publishers_name(tmp_path: Path) -> None:
    weights = written(tmp_path / "pytorch_model.bin", b"PK\x03\x04")
    assert store.find(weights).vocabulary is None
    published = vocabulary_file(tmp_path)
    assert store.find(weights).vocabulary == published
    own = written(tmp_path / "pytorch_model.merges.txt", VOCABULARY)
    assert store.find(weights).vocabulary == own


def test_a_download_brings_the_vocabulary_too(speaking: KnownModel, words: Published, home: Path) -> None:
    person = Person()
    file = download(person)
    assert file == store.find("tiny") == store.verify("tiny")
    assert leftovers(home) == ["tiny.json", "tiny.merges.txt", "tiny.safetensors"]
    assert person.asked == [speaking]
    assert download(Person(answer=False)) == file
    assert len(words.asked) == 1


def test_a_vocabulary_that_is_missing_is_downloaded_alone(
    tmp_path: Path, speaking: KnownModel, published: Published
) -> None:
    store.add(written(tmp_path / "model.safetensors"))
    with pytest.raises(Cancelled):
        download(Person(answer=False))
    assert not download().lacks_vocabulary
    assert published.asked == []


def test_a_wrong_vocabulary_is_refused_before_the_weights_come(
    speaking: KnownModel, words: Published, published: Published, home: Path
) -> None:
    words.content = b"<html>Please log in</html>".ljust(len(VOCABULARY))
    with pytest.raises(ModelError, match="What came from"):
        download()
    assert leftovers(home) == []
    assert published.asked == []


def test_an_unfinished_download_leaves_with_its_vocabulary(
    speaking: KnownModel, published: Published, home: Path
) -> None:
    published.breaks_after = 2_000_000
    with pytest.raises(ModelError, match="broke off"):
        download()
    store.remove("tiny")
    assert leftovers(home) == []


# Downloading


def test_a_download_arrives_whole_and_shows_its_progress(tiny: KnownModel, home: Path) -> None:
    person = Person()
    file = download(person)
    assert file.path.read_bytes() == WEIGHTS
    assert file == store.find("tiny") == store.verify("tiny")
    assert person.asked == [tiny]
    assert person.progress[0] == (0, len(WEIGHTS))
    assert person.progress[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert leftovers(home) == ["tiny.json", "tiny.safetensors"]
    note = json.loads((home / "models" / "tiny.json").read_text())
    assert note["licence"] == tiny.licence.name


def test_nothing_is_downloaded_unless_the_person_agrees(tiny: KnownModel, published: Published) -> None:
    with pytest.raises(Cancelled, match="Nothing was downloaded"):
        download(Person(answer=False))
    assert published.asked == []


def test_a_model_that_is_here_is_neither_asked_for_nor_downloaded_again(tiny: KnownModel, published: Published) -> None:
    first = download()
    person = Person(answer=False)
    assert download(person) == first
    assert person.asked == []
    assert len(published.asked) == 1


def test_a_broken_connection_is_continued_where_it_stopped_without_asking_again(
    tiny: KnownModel, published: Published
) -> None:
    published.breaks_after = 2_000_000
    with pytest.raises(ModelError, match=r"broke off after 1 MB.*continues where it stopped"):
        download()
    with pytest.raises(ModelError, match="not on this machine"):
        store.find("tiny")
    published.breaks_after = None
    person = Person(answer=False)
    assert download(person).path.read_bytes() == WEIGHTS
    assert person.asked == []
    assert published.asked[-1]["Range"] == "bytes=2000000-"
    assert person.progress[0] == (2_000_000, len(WEIGHTS))


def test_a_server_without_ranges_sends_it_all(tiny: KnownModel, published: Published) -> None:
    published.breaks_after = 2_000_000
    with pytest.raises(ModelError, match="broke off"):
        download()
    published.ranges, published.breaks_after = False, None
    assert download().path.read_bytes() == WEIGHTS


@pytest.mark.parametrize("older", [WEIGHTS[:100] + b"older" + WEIGHTS[105:], WEIGHTS + WEIGHTS])
def test_a_newer_version_is_not_glued_to_the_beginning_of_an_older_one(
    older: bytes, tiny: KnownModel, published: Published
) -> None:
    published.content, published.breaks_after = older, len(older) - 1000
    with pytest.raises(ModelError, match="broke off"):
        download()
    published.content, published.etag, published.breaks_after = WEIGHTS, '"two"', None
    assert download().path.read_bytes() == WEIGHTS


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_versions_that_cannot_be_told_apart_are_not_continued(
    etag: str | None, tiny: KnownModel, published: Published
) -> None:
    published.etag, published.breaks_after = etag, 2_000_000
    with pytest.raises(ModelError, match="broke off"):
        download()
    published.breaks_after = None
    assert download().path.read_bytes() == WEIGHTS
    assert "Range" not in published.asked[-1]


def test_a_download_that_was_whole_but_not_yet_stored_is_finished(
    tiny: KnownModel, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "digest_of", killed)
        with pytest.raises(KeyboardInterrupt):
            download()
    assert download().path.read_bytes() == WEIGHTS
    assert [("Range" in asked) for asked in published.asked] == [False, True]


def test_a_person_can_break_off_and_go_on(tiny: KnownModel, published: Published) -> None:
    def stop(done: int, total: int | None) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        store.download("tiny", Person().ask, stop)
    assert download().path.read_bytes() == WEIGHTS
    assert "Range" in published.asked[-1]


@pytest.mark.parametrize("content", [OTHER, WEIGHTS + b"more", b"<html>Please log in</html>"])
def test_a_wrong_file_is_refused_and_forgotten(
    content: bytes, tiny: KnownModel, published: Published, home: Path
) -> None:
    published.content = content
    with pytest.raises(ModelError, match="What came from"):
        download()
    assert leftovers(home) == []
    published.content = WEIGHTS
    assert download().path.read_bytes() == WEIGHTS


def test_a_refusal_of_the_server_says_what_to_do_and_the_person_is_asked_again(
    tiny: KnownModel, published: Published
) -> None:
    published.status = 403
    with pytest.raises(ModelError, match=r"refused tiny: 403.*models add FILE"):
        download()
    published.status = None
    person = Person()
    download(person)
    assert person.asked == [tiny]


def test_no_server_at_all_is_a_sentence(tiny: KnownModel, monkeypatch: pytest.MonkeyPatch, unused_port: int) -> None:
    register(monkeypatch, replace(tiny, url=f"http://127.0.0.1:{unused_port}/model.safetensors"))
    with pytest.raises(ModelError, match="broke off after 0 MB"):
        download()


@pytest.fixture
def unused_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_noticed_before_the_first_byte(
    tiny: KnownModel, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 5, len(WEIGHTS)))
    with pytest.raises(ResourceError, match=r"2 MB free, but 66 MB are needed.*VISTA3DSEGMENT_HOME"):
        download()
    assert (home / "models" / "tiny.safetensors.part").stat().st_size == 0


def test_a_disk_that_fills_up_keeps_what_arrived(tiny: KnownModel, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = transfer._write

    def fills_up(partial: transfer.Partial, offset: int, chunk: bytes, what: str) -> None:
        if offset > 0:
            with transfer._disk(partial):
                raise OSError(errno.ENOSPC, "No space left on device")
        write(partial, offset, chunk, what)

    with monkeypatch.context() as patched:
        patched.setattr(transfer, "_write", fills_up)
        with pytest.raises(ResourceError, match=r"is full.*what arrived is kept"):
            download()
    assert (home / "models" / "tiny.safetensors.part").stat().st_size > 0
    assert download().path.read_bytes() == WEIGHTS


def test_a_second_process_that_begins_anew_does_not_leave_a_hole(tiny: KnownModel, home: Path) -> None:
    def begin_anew(done: int, total: int | None) -> None:
        if done > 0:
            (home / "models" / "tiny.safetensors.part").write_bytes(b"")

    with pytest.raises(ModelError, match="Another process"):
        store.download("tiny", Person().ask, begin_anew)
    assert download().path.read_bytes() == WEIGHTS


def test_an_unfinished_download_can_be_removed(tiny: KnownModel, published: Published, home: Path) -> None:
    published.breaks_after = 2_000_000
    with pytest.raises(ModelError, match="broke off"):
        download()
    store.remove("tiny")
    assert leftovers(home) == []


def test_only_known_models_are_downloaded() -> None:
    with pytest.raises(ModelError, match="no known model called 'mine'"):
        store.download("mine", Person().ask, Person().watch)
