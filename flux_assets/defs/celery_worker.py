"""The Celery app of a worker, configured as the executor is, from the same environment.

`dagster-celery worker start -A flux_assets.defs.celery_worker`
"""

import os
from typing import Any

from dagster_celery.executor import CeleryExecutor
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from flux_assets.defs.executors import backend_variable, celery_config_source
from flux_assets.errors import SettingsError
from flux_assets.settings import load_settings


def build_app() -> Any:  # noqa: ANN401 - Celery has no annotations
    """An app that runs steps of the broker that the environment names.

    Raises:
        SettingsError: a setting is missing or cannot be used; the broker above all, without
            which a worker would wait at another one for ever.
    """
    settings = load_settings(os.environ)
    if settings.celery_broker is None:
        raise SettingsError("FLUX_ASSETS_CELERY_BROKER", "is required by a worker")
    backend = backend_variable(settings)
    executor = CeleryExecutor.for_cli(  # type: ignore[no-untyped-call]  # dagster-celery's own
        broker=settings.celery_broker.get_secret_value(),
        backend=os.environ[backend].strip() if backend else "rpc://",
        config_source=celery_config_source(settings),
    )
    app = make_app(executor.app_args())  # type: ignore[no-untyped-call]  # as above
    create_task(app)  # type: ignore[no-untyped-call]  # as above
    return app


app = build_app()
