"""The code location that a reader of Dagster's tutorials would write for the same pictures.

One dynamic partition a product, one asset, a call with `requests`, and files on the disk. It
keeps no account of what it paid, and cannot tell a lost reply from a failed one.
"""

import os
from pathlib import Path

import dagster as dg
import requests

TIMEOUT_SECONDS = 180

products = dg.DynamicPartitionsDefinition(name="naive_products")


@dg.asset(partitions_def=products)
def naive_picture(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg] # as in the tutorials
    """One product's picture, in a folder."""
    reply = requests.post(
        f"{os.environ['ONEMIN_BASE_URL']}/api/features",
        headers={"API-KEY": os.environ["ONEMIN_API_KEY"]},
        json={
            "type": "IMAGE_GENERATOR",
            "model": "black-forest-labs/flux-2-max",
            "promptObject": {
                "prompt": f"Studio photograph of {context.partition_key}",
                "aspect_ratio": "1:1",
                "output_format": "png",
            },
        },
        timeout=TIMEOUT_SECONDS,
    )
    reply.raise_for_status()
    record = reply.json()["aiRecord"]
    picture = requests.get(record["temporaryUrl"], timeout=TIMEOUT_SECONDS)
    picture.raise_for_status()
    folder = Path(os.environ["NAIVE_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{context.partition_key}.png"
    path.write_bytes(picture.content)
    return dg.MaterializeResult(metadata={"path": str(path), "uuid": record["uuid"]})


defs = dg.Definitions(assets=[naive_picture])
