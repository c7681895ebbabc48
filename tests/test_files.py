import errno
import os

import pytest

from libtilt.files import atomic_write, require_writable


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
    with pytest.raises(FileExistsError, match=r"angles\.txt exists; .*overwrite=True"):
        atomic_write(target).__enter__()
    assert target.read_text() == "old"
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    target = tmp_path / "angles.txt"

    def raced():
        with atomic_write(target) as temporary:
            temporary.write_text("ours")
            target.write_text("theirs")

    with pytest.raises(FileExistsError, match=r"exists; .*overwrite=True"):
        raced()
    assert [path.name for path in tmp_path.iterdir()] == ["angles.txt"]
    assert target.read_text() == "theirs"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*absent does not exist"):
        require_writable(tmp_path / "absent" / "map.mrc", overwrite=False)


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder, name a file in it"):
        require_writable(tmp_path, overwrite=True)


def test_an_unwritable_folder_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # The superuser may write everywhere.
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="locked is not writable"):
        require_writable(folder / "map.mrc", overwrite=False)


def test_an_error_of_the_system_names_the_file_that_was_asked_for(tmp_path):
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


def test_a_tilde_is_an_ordinary_letter_when_writing_as_when_reading(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    with atomic_write("~/angles.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "~" / "angles.txt").read_text() == "new"
