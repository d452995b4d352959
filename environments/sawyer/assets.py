"""Meta-World's models, read from the distribution that the user has downloaded and checked by digest.

They are not part of this project.  Meta-World's MIT licence allows their use; its pin of mujoco does not allow its
installation beside MuJoCo 4, so its files are read where they lie, as a wheel or unpacked, and nothing of it is run.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import mujoco

from environments.suite import DataMissing
from environments.typed_options import UsageError

#: names the wheel, or a folder that it was unpacked into
VARIABLE = "METARL_METAWORLD"
VERSION = "3.1.1"
WHEEL = f"metaworld-{VERSION}-py3-none-any.whl"
#: within the distribution
FOLDER = "metaworld/assets"
#: of the files that a model consists of, by `digest_of`
DIGESTS = {
    "sawyer_xyz/sawyer_push_v3.xml": "f711764ab5f9af92807eaba7d9d69a88740165e5a4f3d3dd295b4c56c9c2fd89",
    "sawyer_xyz/sawyer_door_pull.xml": "ed2381f7c3c5309e7d7670cdefdb5ffc535df7210dc6bcfc13fbf2aa42a8908f",
}
#: geoms and sites whose positions are asked for
TRACKED = frozenset({"handle", "rightEndEffector", "leftEndEffector"})
#: what positions do not depend on
UNMOVED = mujoco.mjtDisableBit.mjDSBL_CONTACT | mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
HOW = (
    f"Meta-World's models are not part of this project (they are under the MIT licence): run "
    f"`pip download --no-deps metaworld=={VERSION}` and set {VARIABLE} to the file {WHEEL} that it leaves, "
    f"or to a folder that it is unpacked into"
)


def check_assets(model: str) -> None:
    """Raises UsageError, saying what to run, where the files of the model are not those of the version.

    DataMissing, where the variable names none.
    """
    read_assets(model)


def load_xml(model: str) -> tuple[mujoco.MjModel, mujoco.MjModel]:
    """The model of a file such as `sawyer_xyz/sawyer_push_v3.xml`, and one whose positions alone are the same.

    The second has of its geoms and sites those of `TRACKED` alone, and neither contacts nor forces.
    Raises UsageError as `check_assets`.
    """
    files = read_assets(model)
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        spec = mujoco.MjSpec.from_file(str(Path(folder, model)))
        whole = spec.compile()
        return whole, _bare(spec)


def _bare(spec: mujoco.MjSpec) -> mujoco.MjModel:
    for part in (*spec.geoms, *spec.sites, *spec.actuators, *spec.equalities):
        if part.name not in TRACKED:
            spec.delete(part)
    while leaves := [body for body in spec.bodies if not (body.bodies or body.joints or body.geoms or body.sites)]:
        for body in leaves:
            spec.delete(body)
    spec.compiler.boundmass, spec.compiler.boundinertia = 1.0, 1.0  # a body without geoms has neither
    spec.option.disableflags |= int(UNMOVED)
    return spec.compile()


def read_assets(model: str) -> dict[str, bytes]:
    """By path below the folder of assets, all files that the model consists of, of the version that is asked for."""
    source = os.environ.get(VARIABLE)
    if not source:
        raise DataMissing(f"{VARIABLE} is not set; {HOW}")
    try:
        files = _closure(model, source)
    except (OSError, KeyError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise UsageError(f"{VARIABLE}={source} holds no {FOLDER}/{model}: {error}; {HOW}") from None
    found, expected = digest_of(files), DIGESTS[model]
    if found != expected:
        raise UsageError(
            f"{VARIABLE}={source}: {model} is not that of Meta-World {VERSION} (digest {found[:12]}, must be "
            f"{expected[:12]}); {HOW}"
        )
    return files


def digest_of(files: dict[str, bytes]) -> str:
    """SHA-256 over the sorted paths and the digests of their contents."""
    lines = [f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _closure(model: str, source: str) -> dict[str, bytes]:
    """The model's file and whatever it names, directly or by an inclusion, all relative to the model's folder."""
    if Path(source).is_dir():
        return _named(model, lambda name: Path(source, FOLDER, name).read_bytes())
    with zipfile.ZipFile(source) as archive:
        return _named(model, lambda name: archive.read(f"{FOLDER}/{name}"))


def _named(model: str, read: Callable[[str], bytes]) -> dict[str, bytes]:
    files, waiting = dict[str, bytes](), [model]
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        files[name] = read(name)
        if name.endswith(".xml"):
            for element in ElementTree.fromstring(files[name]).iter():
                if "file" in element.attrib:
                    waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(model), element.attrib["file"])))
    return files
