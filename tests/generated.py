"""A client of the API as an integrator has it: generated from the committed document, by a program that is not ours."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"
PACKAGE = "bihuan_client"


@dataclass(frozen=True)
class Generated:
    """The client's package, and what its generator had to say."""

    package: ModuleType
    warnings: Sequence[str]

    def operation(self, name: str) -> ModuleType:
        """The module of an operation, by its `operationId`."""
        return self.operations()[name]

    def operations(self) -> dict[str, ModuleType]:
        """The module of every operation, by its `operationId`; a model's module may bear the same name."""
        return {_last(module): module for module in self.modules() if hasattr(module, "asyncio_detailed")}

    def model(self, name: str) -> Any:
        """A class of the models, by its schema's name."""
        return getattr(import_module(f"{PACKAGE}.models"), name)

    def modules(self) -> Iterator[ModuleType]:
        """Every module there is, imported."""
        for found in walk_packages(self.package.__path__, f"{PACKAGE}."):
            yield import_module(found.name)


@contextmanager
def generated(folder: Path) -> Iterator[Generated]:
    """A client generated into `folder`, to be imported until the block ends; nothing is downloaded."""
    config = Config.from_sources(
        # Without its formatter: the code is read by nobody.
        ConfigFile(post_hooks=[]), MetaType.NONE, DOCUMENT, "utf-8", overwrite=False, output_path=folder / PACKAGE
    )  # fmt: skip
    warnings = [f"{each.header}: {each.detail}" for each in generate(config=config)]
    sys.path.insert(0, str(folder))
    try:
        yield Generated(import_module(PACKAGE), warnings)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]


def _last(module: ModuleType) -> str:
    return module.__name__.rsplit(".", 1)[-1]
