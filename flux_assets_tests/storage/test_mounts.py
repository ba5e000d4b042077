from pathlib import Path

import pytest

from flux_assets.errors import StoreError
from flux_assets.storage import mounts
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.mounts import why_unsafe

MOUNTS = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /mnt/nas rw,relatime - nfs4 nas:/v rw,vers=4.2,hard,local_lock=none,addr=10.0.0.2
31 21 0:41 / /mnt/old rw,relatime - nfs nas:/v rw,vers=3,nolock,local_lock=all
32 21 0:42 / /mnt/flock rw,relatime - nfs nas:/v rw,vers=3,local_lock=flock
33 21 0:43 / /mnt/win rw,relatime - cifs //win/share rw,vers=3.1.1
34 21 0:44 / /mnt/win\040nobrl rw,relatime - cifs //win/share rw,vers=3.0,nobrl
35 21 0:45 / /mnt/bucket rw,nosuid - fuse.s3fs s3fs rw,user_id=0
36 21 0:46 / /mnt/gcs rw,nosuid - fuse.gcsfuse bucket rw
37 35 8:2 / /mnt/bucket/disk rw - xfs /dev/sdb rw
38 21 0:47 / /mnt/ssh rw - fuse.sshfs host:/ rw
broken line
""".replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("/data/store", ""),
        ("/mnt/nas/store", ""),
        ("/mnt/nas2", ""),
        ("/mnt/win/store", ""),
        ("/mnt/bucket/disk/store", ""),
        ("/mnt/ssh/store", ""),
        ("/mnt/old/store", "mounted with local_lock=all, nolock"),
        ("/mnt/flock", "mounted with local_lock=flock"),
        ("/mnt/win nobrl/a/b", "mounted with nobrl"),
        ("/mnt/bucket/store", "(fuse.s3fs) is a bucket that only looks like a folder"),
        ("/mnt/gcs", "(fuse.gcsfuse) is a bucket that only looks like a folder"),
    ],
)
def test_a_mount_that_does_not_keep_two_machines_apart_is_told(folder: str, problem: str) -> None:
    told = why_unsafe(Path(folder), MOUNTS)
    assert problem in told
    assert bool(told) == bool(problem)


def test_a_store_on_such_a_mount_takes_no_write_and_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DirectoryStore(tmp_path).put("a", b"1", content_type="text/plain")
    listed = tmp_path / "mountinfo"
    listed.write_text(f"1 0 0:1 / {tmp_path} rw - nfs nas:/ rw,nolock\n")
    monkeypatch.setattr(mounts, "_MOUNTS", listed)

    store = DirectoryStore(tmp_path)
    with pytest.raises(StoreError, match=r"nolock.* FLUX_ASSETS_STORE") as caught:
        store.put("a", b"2", content_type="text/plain")

    assert "\n" not in str(caught.value)
    assert store.get("a").data == b"1"


def test_where_mounts_are_not_told_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "absent")
    assert why_unsafe(tmp_path) == ""
