import errno
import os
import socket
import stat
import subprocess
import sys

import pytest

import libtilt.io.atomic
from libtilt.io.atomic import (
    atomic_write,
    atomic_writes,
    remove_stale_files,
    require_writable,
    scratch_folder,
)


def test_a_block_that_succeeds_puts_the_file_in_place(tmp_path):
    target = tmp_path / "angles.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["angles.txt"]
    assert target.read_text() == "new"


def test_the_temporary_file_has_the_suffixes_of_the_target(tmp_path):
    with atomic_write(tmp_path / "map.mrc.gz") as temporary:
        temporary.write_text("")
    assert temporary.suffixes[-2:] == [".mrc", ".gz"]
    assert temporary.parent == tmp_path


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path, error):
    target = tmp_path / "angles.txt"
    target.write_text("old")

    def interrupted():
        with atomic_write(target, overwrite=True) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["angles.txt"]
    assert target.read_text() == "old"


def test_an_existing_file_is_kept_unless_overwrite_is_given(tmp_path):
    target = tmp_path / "angles.txt"
    target.write_text("old")
    with pytest.raises(FileExistsError, match=r"angles\.txt already exists; pass overwrite=True"):
        atomic_write(target).__enter__()
    assert target.read_text() == "old"
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


def test_concurrently_created_file_is_kept(tmp_path):
    target = tmp_path / "angles.txt"

    def raced():
        with atomic_write(target) as temporary:
            temporary.write_text("ours")
            target.write_text("theirs")

    with pytest.raises(FileExistsError, match="already exists; pass overwrite=True"):
        raced()
    assert [path.name for path in tmp_path.iterdir()] == ["angles.txt"]
    assert target.read_text() == "theirs"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*absent does not exist"):
        require_writable(tmp_path / "absent" / "map.mrc", overwrite=False)


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder; pass the path of a file in it"):
        require_writable(tmp_path, overwrite=True)


def test_an_unwritable_folder_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # The superuser may write everywhere.
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="locked is not writable"):
        require_writable(folder / "map.mrc", overwrite=False)


def test_error_of_the_system_names_the_target(tmp_path):
    def full():
        with atomic_write(tmp_path / "map.mrc") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device", str(temporary))

    with pytest.raises(OSError, match=r"cannot write .*/map\.mrc: No space left") as caught:
        full()
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_the_error_of_a_file_within_a_file_names_only_the_inner_one(tmp_path):
    def full():
        with atomic_write(tmp_path / "outer.json"), atomic_write(tmp_path / "inner.mrc"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"cannot write .*inner\.mrc: No space left") as caught:
        full()
    assert "outer.json" not in str(caught.value)


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_write(link, overwrite=True) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_tilde_is_an_ordinary_letter_in_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    with atomic_write("~/angles.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "~" / "angles.txt").read_text() == "new"


def test_a_set_appears_together_or_not_at_all(tmp_path):
    targets = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    with atomic_writes(*targets) as temporaries:
        for temporary in temporaries:
            temporary.write_text("new")
        assert not any(target.exists() for target in targets)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_incomplete_set_keeps_the_existing_files(tmp_path, overwrite):
    (tmp_path / "c.txt").write_text("old")

    def half():
        with atomic_writes(tmp_path / "a.txt", tmp_path / "b.txt", overwrite=overwrite) as (a, _):
            a.write_text("new")

    with pytest.raises(OSError, match=r"cannot write .*b\.txt"):
        half()
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


def test_set_with_a_concurrently_taken_name_leaves_no_files(tmp_path, monkeypatch):
    def raced():
        with atomic_writes(tmp_path / "a.txt", tmp_path / "b.txt") as (a, b):
            a.write_text("ours")
            b.write_text("ours")

    real = libtilt.io.atomic._require_all

    def require_and_lose(*arguments):
        targets = real(*arguments)
        if any(tmp_path.glob("*.partial.txt")) or any(tmp_path.glob(".*.partial.txt")):
            # Behind the last look: only the file system itself can tell then.
            (tmp_path / "b.txt").write_text("theirs")
        return targets

    monkeypatch.setattr(libtilt.io.atomic, "_require_all", require_and_lose)
    with pytest.raises(FileExistsError, match=r"b\.txt already exists; pass overwrite=True"):
        raced()
    assert (tmp_path / "b.txt").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_files_of_a_set_differ(tmp_path):
    with pytest.raises(ValueError, match="paths must differ"):
        atomic_writes(tmp_path / "a.txt", tmp_path / "a.txt").__enter__()


def test_the_permissions_of_a_replaced_file_are_kept(tmp_path):
    target = tmp_path / "angles.txt"
    target.write_text("old")
    target.chmod(0o640)
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of Unix")
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_pipes_and_devices_are_never_replaced(tmp_path, monkeypatch, kind, linked):
    monkeypatch.chdir(tmp_path)  # Names of sockets are short.
    if kind == "pipe":
        os.mkfifo("there")
    else:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("there")
    if linked:
        (tmp_path / "link").symlink_to(tmp_path / "there")
    before = (tmp_path / "there").lstat()
    with pytest.raises(ValueError, match="it is not a regular file"):
        atomic_write("link" if linked else "there", overwrite=True).__enter__()
    assert (tmp_path / "there").lstat().st_ino == before.st_ino


def test_files_are_on_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    done = []
    real_sync, real_link = os.fsync, os.link
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("sync"), real_sync(file)))
    monkeypatch.setattr(os, "link", lambda *a: (done.append("name"), real_link(*a)))
    with atomic_writes(tmp_path / "a.txt", tmp_path / "b.txt") as temporaries:
        for temporary in temporaries:
            temporary.write_text("new")
    assert done == ["sync", "sync", "name", "name", "sync"]


def test_partial_files_of_dead_writers_are_removed_by_the_next_writer(tmp_path):
    with atomic_write(tmp_path / "a.txt") as alive:
        alive.write_text("new")
        number = alive.name.split("-")[0].removeprefix(".")
        # A process that has ended: its number is not taken again so soon.
        dead = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        left = tmp_path / alive.name.replace(number, dead, 1)
        left.write_text("half")
        folder = left.with_name(left.name.replace(".txt", ".d"))
        folder.mkdir()
        elsewhere = tmp_path / ".1-0badcafe-00.partial.txt"
        elsewhere.write_text("of another machine")
        with atomic_write(tmp_path / "b.txt") as other:
            other.write_text("new")
        assert not left.exists()
        assert not folder.exists()
        assert elsewhere.exists()
        assert alive.exists()


def test_a_scratch_folder_is_gone_afterwards(tmp_path):
    with scratch_folder(tmp_path) as folder:
        (folder / "a.txt").write_text("new")
        remove_stale_files(tmp_path)
        assert (folder / "a.txt").exists()
    assert list(tmp_path.iterdir()) == []
