"""The least that noticing no change can take: read the catalog, render each prompt, hash it.

python benchmarks/floor_refresh.py CATALOG SHOTS
"""

import argparse
import hashlib

import jinja2
import pandas as pd
import yaml


def main() -> None:
    """Print one hash over all prompts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog")
    parser.add_argument("shots")
    arguments = parser.parse_args()
    with open(arguments.shots, "rb") as file:  # noqa: PTH123 - the plainest script there is
        document = yaml.safe_load(file)
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - prompts are no HTML
    environment.filters |= {"unquoted": str, "first_sentence": lambda text: text.split(". ")[0]}
    templates = [
        environment.from_string(_write_out(shot["prompt"], document.get("phrases", {})))
        for shot in document["shots"].values()
    ]
    whole = hashlib.sha256()
    for row in pd.read_csv(arguments.catalog, dtype=str, keep_default_na=False).to_dict("records"):
        for template in templates:
            whole.update(hashlib.sha256(template.render(row).encode()).digest())
    print(whole.hexdigest())


def _write_out(prompt: str, phrases: dict[str, str]) -> str:
    for name, text in phrases.items():
        prompt = prompt.replace(f"{{{{ phrases.{name} }}}}", text)
    return prompt


if __name__ == "__main__":
    main()
