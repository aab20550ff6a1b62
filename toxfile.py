"""Shows tox every Python that pyenv has installed: its shims only answer for the versions that are selected."""

import os
from pathlib import Path

root = os.environ.get("PYENV_ROOT")
if root and "PYENV_VERSION" not in os.environ:
    installed = sorted(path.name for path in Path(root, "versions").glob("3.1[1-9]*"))
    os.environ["PYENV_VERSION"] = ":".join(installed)
