"""What pyproject.toml cannot express: no wheel is built without the compiled JVM module and the jar locks."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
MADE = HERE / "build" / "machinery"
sys.path.insert(0, str(HERE))

from headrace.stack.machinery import SOURCES_DIGEST, sources_digest  # noqa: E402 - importable because of the line above


class BuildWithMachinery(build_py):
    """Adds ``headrace/machinery`` to a wheel; an editable install uses the checkout's own."""

    def run(self) -> None:
        """Copy the packages, then the output of `make wheel`.

        Raises:
            SystemExit: nothing was compiled, or it was compiled from other sources.
        """
        super().run()
        if self.editable_mode:
            return
        digest = MADE / SOURCES_DIGEST
        if not digest.is_file() or digest.read_text() != sources_digest(HERE / "jvm" / "src"):
            sys.exit("the JVM module is not compiled from these sources. To build a wheel: make wheel")
        for file in (f for f in MADE.rglob("*") if f.is_file()):
            target = Path(self.build_lib, "headrace", "machinery", file.relative_to(MADE))
            self.mkpath(str(target.parent))
            self.copy_file(str(file), str(target))


setup(cmdclass={"build_py": BuildWithMachinery})
