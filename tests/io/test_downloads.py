"""Downloads from a server on this machine that behaves like the EMDB's."""

import builtins
import gzip
import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from libtilt import Volume
from libtilt.errors.installing import pip_install
from libtilt.io.downloads import fetch_emdb


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder of entries and the address that serves it."""
    root = tmp_path / "structures"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield root, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def put(root, number, content=None):
    folder = root / f"EMD-{number}" / "map"
    folder.mkdir(parents=True)
    path = folder / f"emd_{number}.map.gz"
    if content is None:
        Volume(np.arange(24.0).reshape(2, 3, 4), voxel_size=1.5).save(path)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("entry", [13234, "13234", "EMD-13234", "emd-13234"])
def test_a_map_is_downloaded_once_and_kept(server, tmp_path, entry):
    root, url = server
    source = put(root, 13234)
    path = fetch_emdb(entry, cache_dir=tmp_path / "cache", base_url=url)
    assert Volume.open(path).data.ravel().tolist() == list(range(24))
    source.unlink()
    assert fetch_emdb(entry, cache_dir=tmp_path / "cache", base_url=url) == path


def test_the_cache_folder_can_be_named_by_the_environment(server, tmp_path, monkeypatch):
    root, url = server
    put(root, 5)
    monkeypatch.setenv("LIBTILT_CACHE", str(tmp_path / "elsewhere"))
    assert fetch_emdb(5, base_url=url).parent == tmp_path / "elsewhere"


def test_a_check_sum_is_kept_to(server, tmp_path):
    root, url = server
    digest = hashlib.sha256(put(root, 5).read_bytes()).hexdigest()
    assert fetch_emdb(5, cache_dir=tmp_path / "a", base_url=url, sha256=digest).exists()
    with pytest.raises(ValueError, match="sha256"):
        fetch_emdb(5, cache_dir=tmp_path / "b", base_url=url, sha256="0" * 64)
    assert not list((tmp_path / "b").glob("emd_*"))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not found</html>", gzip.compress(b"no map"), gzip.compress(b"\0" * 4000)[:40]],
    ids=["empty", "web page", "not MRC", "cut short"],
)
def test_an_unsound_map_is_refused_and_not_kept(server, tmp_path, content):
    root, url = server
    put(root, 5, content)
    with pytest.raises(ValueError, match="not a valid map and was removed"):
        fetch_emdb(5, cache_dir=tmp_path / "cache", base_url=url)
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_unchecked_download_is_not_taken_for_the_map(server, tmp_path, monkeypatch):
    def killed(path):
        raise KeyboardInterrupt

    root, url = server
    put(root, 5)
    with monkeypatch.context() as patch:
        patch.setattr("libtilt.io.downloads.read_mrc", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch_emdb(5, cache_dir=tmp_path / "cache", base_url=url)
    assert not (tmp_path / "cache" / "emd_5.map.gz").exists()
    assert Volume.open(fetch_emdb(5, cache_dir=tmp_path / "cache", base_url=url)).shape == (2, 3, 4)
    names = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert names == ["emd_5.map.gz", "emd_5.map.gz.sha256"]


def test_a_kept_map_of_another_check_sum_is_fetched_anew(server, tmp_path):
    root, url = server
    digest = hashlib.sha256(put(root, 5).read_bytes()).hexdigest()
    path = fetch_emdb(5, cache_dir=tmp_path, base_url=url)
    path.write_bytes(b"changed")
    assert fetch_emdb(5, cache_dir=tmp_path, base_url=url, sha256=digest) == path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_error_of_a_missing_entry_names_the_next_step(server, tmp_path):
    _, url = server
    with pytest.raises(ConnectionError, match=r"cannot download .*EMD-9/map.*offline.*Volume.open"):
        fetch_emdb(9, cache_dir=tmp_path / "cache", base_url=url)


def test_error_of_an_offline_download_names_the_next_step(tmp_path):
    with pytest.raises(ConnectionError, match="If this computer is offline"):
        fetch_emdb(9, cache_dir=tmp_path / "cache", base_url="http://127.0.0.1:9")


@pytest.mark.parametrize("entry", ["ribosome", "EMD-", -3, 0, "12a"])
def test_an_entry_that_is_no_number_is_refused(entry):
    with pytest.raises(ValueError, match="entry must be"):
        fetch_emdb(entry)


def test_missing_pooch_is_named_with_its_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def no_pooch(name, *args, **kwargs):
        if name == "pooch":
            raise ImportError(name="pooch")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pooch)
    with pytest.raises(ImportError, match=re.escape(pip_install("data"))):
        fetch_emdb(5, cache_dir=tmp_path)


def test_a_kept_map_that_changed_is_not_taken(server, tmp_path):
    root, url = server
    put(root, 5)
    path = fetch_emdb(5, cache_dir=tmp_path, base_url=url)
    assert fetch_emdb(5, cache_dir=tmp_path, base_url=url) == path
    path.write_bytes(b"changed")
    with pytest.raises(ValueError, match=r"emd_5\.map\.gz has changed since it was downloaded"):
        fetch_emdb(5, cache_dir=tmp_path, base_url=url)


def test_downloads_of_one_entry_beside_each_other_all_succeed(server, tmp_path):
    root, url = server
    put(root, 5)
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(fetch_emdb, 5, cache_dir=tmp_path / "c", base_url=url) for _ in range(24)
        ]
    assert {Volume.open(job.result()).shape for job in jobs} == {(2, 3, 4)}
    names = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert names == ["emd_5.map.gz", "emd_5.map.gz.sha256"]


def test_a_download_without_an_end_is_stopped(server, tmp_path, monkeypatch):
    root, url = server
    put(root, 5, bytes(5000))
    monkeypatch.setattr("libtilt.io.downloads.MAX_BYTES", 4000)
    with pytest.raises(ValueError, match="is larger than 4e-06 GB, more than any map"):
        fetch_emdb(5, cache_dir=tmp_path / "c", base_url=url)
    assert list((tmp_path / "c").iterdir()) == []


def test_progress_counts_the_bytes_of_the_download(server, tmp_path):
    root, url = server
    content = np.random.default_rng(0).normal(size=(40, 40, 40))
    put(root, 5).unlink()
    path = root / "EMD-5" / "map" / "emd_5.map.gz"
    Volume(content, voxel_size=1.5).save(path)
    told = []
    progress = lambda done, total: told.append((done, total))  # noqa: E731
    fetch_emdb(5, cache_dir=tmp_path / "cache", base_url=url, progress=progress)
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert len(told) > 2
    assert sorted(told) == told
