"""What a simulator remembers, in a directory that outlives it and that several may share."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, unquote
from uuid import UUID

from flux_assets.os_errors import MachineError, explain_refusal

FinalStatus = Literal["SUCCESS", "FAILED", "FAILURE"]

_DRAFT = ".draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One accepted call: what was asked, what comes of it and when; times in epoch seconds.

    The picture itself is not kept but drawn again from these facts. `prompt_object` is as
    sent; `seed` is the one used, chosen here if none was sent; `photo_key` is the storage key of
    the photo that an editor call named. A generation that made no picture has an `error_message`
    and no `storage_key`.
    """

    uuid: str
    type: str
    model: str
    prompt_object: Mapping[str, object]
    prompt: str
    seed: int
    aspect_ratio: str
    megapixels: float
    output_format: str
    output_quality: int
    created_at: float
    ready_at: float
    is_async: bool
    status: FinalStatus
    error_code: str
    error_message: str
    storage_key: str
    used_credit: int
    faults: tuple[str, ...]
    photo_key: str = ""

    @classmethod
    def from_json(cls, plain: Mapping[str, object]) -> Self:
        """Read back what `asdict` gave."""
        return cls(**{**plain, "faults": tuple(plain["faults"])})  # type: ignore[arg-type]  # written by asdict, fields are its own


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One generation that was paid; `reply_lost` if its reply was kept from the caller."""

    uuid: str
    time: str
    prompt: str
    seed: int
    aspect_ratio: str
    model: str
    type: str
    outcome: FinalStatus
    reply_lost: bool


class SimulatorState:
    """The state directory; every write is whole or absent, also beside other processes.

    Raises:
        MachineError: it cannot be written to.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bill = directory / "bill.jsonl"
        self._bill_offset = 0
        self._bill_lines = 0
        try:
            for name in ("generations", "objects", "assets", "counts"):
                (directory / name).mkdir(parents=True, exist_ok=True)
                self._draft(directory / name / "probe", b"").unlink()
        except OSError as error:
            problem = explain_refusal(error) or str(error)
            raise MachineError(f"the simulator cannot keep its state: {problem}") from error

    @cached_property
    def secret(self) -> bytes:
        """What URLs are signed with: the same for every simulator of this directory."""
        path = self._directory / "secret"
        draft = self._draft(path, secrets.token_hex(32).encode())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # an earlier or faster simulator chose it
        finally:
            draft.unlink()
        return path.read_bytes()

    def put_generation(self, generation: Generation) -> None:
        """Remember one accepted call under its uuid and its storage key."""
        path = self._directory / "generations" / f"{generation.uuid}.json"
        self._replace(path, json.dumps(asdict(generation)).encode())
        if generation.storage_key:
            self._replace(self._path("objects", generation.storage_key), generation.uuid.encode())

    def find_generation(self, uuid: str) -> Generation | None:
        """The call with this uuid, if there was one."""
        try:
            path = self._directory / "generations" / f"{UUID(uuid)}.json"
            return Generation.from_json(json.loads(path.read_bytes()))
        except (ValueError, FileNotFoundError):
            return None

    def find_generation_by_key(self, storage_key: str) -> Generation | None:
        """The call whose picture has this storage key, if there is one."""
        try:
            uuid = self._path("objects", storage_key).read_text()
        except FileNotFoundError:
            return None
        return self.find_generation(uuid)

    def put_asset(self, key: str, data: bytes, *, uploaded_at: float) -> None:
        """Keep an uploaded picture for ever; its file bears the time, in epoch seconds."""
        path = self._path("assets", key)
        draft = self._draft(path, data)
        os.utime(draft, (uploaded_at, uploaded_at))
        draft.replace(path)

    def find_upload_time(self, key: str) -> float | None:
        """When the picture with this key was uploaded, if it was, in epoch seconds."""
        path = self._path("assets", key)
        try:
            return path.stat().st_mtime if path.is_file() else None
        except OSError:  # no file can have such a key
            return None

    def read_asset(self, key: str) -> bytes:
        """The bytes of an uploaded picture."""
        return self._path("assets", key).read_bytes()

    def list_assets(self) -> list[str]:
        """The keys of all uploaded pictures."""
        paths = (self._directory / "assets").iterdir()
        return sorted(unquote(path.name) for path in paths if path.suffix != _DRAFT)

    def append_to_bill(self, line: BillLine) -> None:
        """Book one paid generation."""
        self._append(self._bill, json.dumps(asdict(line)).encode() + b"\n")

    def read_bill(self) -> list[BillLine]:
        """Everything that was ever paid, oldest first."""
        try:
            lines = self._bill.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [BillLine(**json.loads(line)) for line in lines]

    def count_paid(self) -> int:
        """How many generations were ever paid; reads only what the bill gained since."""
        try:
            with self._bill.open("rb") as bill:
                bill.seek(self._bill_offset)
                gained = bill.read()
        except FileNotFoundError:
            return 0
        self._bill_offset += len(gained)
        self._bill_lines += gained.count(b"\n")
        return self._bill_lines

    def count_send(self, request_digest: str) -> int:
        """How many times this request was sent, this time included."""
        return self.count(f"sends-{request_digest}")

    def read_sends(self, request_digest: str) -> int:
        """How many times this request was sent; 0 also where no dice were rolled for it."""
        return self.read_count(f"sends-{request_digest}")

    def count(self, what: str) -> int:
        """How many times this was counted by all simulators, this time included."""
        return self._append(self._path("counts", what), b".")

    def read_count(self, what: str) -> int:
        """How many times this was counted by all simulators."""
        try:
            return self._path("counts", what).stat().st_size
        except FileNotFoundError:
            return 0

    def _path(self, folder: str, key: str) -> Path:
        return self._directory / folder / quote(key, safe="")

    def _append(self, path: Path, data: bytes) -> int:
        """Append in one write, and give the size up to its end."""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, data)
            return os.lseek(descriptor, 0, os.SEEK_CUR)
        finally:
            os.close(descriptor)

    def _replace(self, path: Path, data: bytes) -> None:
        self._draft(path, data).replace(path)

    def _draft(self, path: Path, data: bytes) -> Path:
        draft = path.with_name(f"{secrets.token_hex(8)}{_DRAFT}")
        draft.write_bytes(data)
        return draft
