"""The stop of a run: one object in the store stops it in all its shards and processes."""

import json
import logging
import threading

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import ObjectStore, run_key
from flux_assets.storage.stored_json import read_stored_json

_log = logging.getLogger(__name__)


class RunStop:
    """Whether this run must send nothing more, and why.

    `event` is set as soon as this process knows; waiting threads watch it.
    """

    def __init__(self, store: ObjectStore, run_id: str) -> None:
        self._store = store
        self._key = run_key(run_id, "stop.json")
        self._lock = threading.Lock()
        self._reason = ""
        self.event = threading.Event()

    def reason(self) -> str:
        """Why the run stopped; empty while it may go on. Asks the store each time.

        Raises:
            StoreError: the store cannot be asked, so nothing may be sent.
        """
        if not self.event.is_set():
            try:
                body = self._store.get(self._key)
            except ObjectNotFoundError:
                return ""
            reason = read_stored_json(
                body.data,
                self._store.uri_for(self._key),
                lambda plain: str(plain["reason"]),
                kind="reason why the run stopped",
                remedy="the run sends nothing more; start another one",
            )
            self._set(reason)
        return self._reason

    def trip(self, reason: str) -> None:
        """Stop the run everywhere; the first reason stays."""
        self._set(reason)
        _log.error("the run stops: %s", reason)
        self.tell_shards(reason)

    def tell_shards(self, reason: str) -> None:
        """Stop the run where it is at work, here or elsewhere; the first reason stays."""
        try:
            self._store.put(
                self._key,
                json.dumps({"reason": reason}).encode(),
                content_type="application/json",
                if_absent=True,
            )
        except ConditionFailedError:
            return
        except StoreError as error:
            _log.warning("other shards could not be told to stop: %s", error)

    def halt(self, reason: str) -> None:
        """Stop this process's part of the run only."""
        self._set(reason)

    def _set(self, reason: str) -> None:
        with self._lock:
            self._reason = self._reason or reason
        self.event.set()
