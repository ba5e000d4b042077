"""Lets mkdocs follow the links that a code host follows: from the README, and out of `docs/`."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

_PROJECT = Path(__file__).parents[1]
_LINK = re.compile(r"\]\((?!https?://|#)")
_OUT_OF_DOCS = re.compile(r"\]\(\.\./([^)#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make the README the first page, and add each file of the project that a page links to.

    A link to a file that is not there stays as it is, and mkdocs reports it.
    """
    readme = (_PROJECT / "README.md").read_text("utf-8")
    index = _LINK.sub("](../", readme).replace("](../docs/", "](")
    files.append(File.generated(config, "index.md", content=index))
    pages = "".join(page.content_string for page in files.documentation_pages())
    for name in sorted(set(_OUT_OF_DOCS.findall(pages))):
        if (_PROJECT / name).is_file():
            file = File.generated(
                config,
                f"../{name}",
                abs_src_path=str(_PROJECT / name),
                inclusion=InclusionLevel.INCLUDED,
            )
            file.dest_uri = f"project/{name}"
            files.append(file)
    return files
