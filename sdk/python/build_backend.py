"""Makes the wheel, with the standard library alone (the hooks of PEP 517 and PEP 660)."""

import base64
import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any, Dict

_HERE = Path(__file__).resolve().parent


def _version() -> str:
    text = (_HERE / "martlet" / "_version.py").read_text()
    found = re.search(r'__version__ = "(.+)"', text)
    assert found is not None
    return found.group(1)


def _metadata() -> str:
    head = f"Metadata-Version: 2.1\nName: martlet\nVersion: {_version()}\nRequires-Python: >=3.9\n"
    head += "Summary: Serve models of your own with Martlet\nDescription-Content-Type: text/markdown\n\n"
    return head + (_HERE / "README.md").read_text()


def _wheel(folder: str, contents: Dict[str, bytes]) -> str:
    about = f"martlet-{_version()}.dist-info"
    contents[f"{about}/METADATA"] = _metadata().encode()
    contents[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: martlet\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = ""
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    contents[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    name = f"martlet-{_version()}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in contents.items():
            wheel.writestr(path, content)
    return name


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    files = sorted(path for path in (_HERE / "martlet").rglob("*") if path.suffix in (".py", ".html", ".typed"))
    return _wheel(wheel_directory, {path.relative_to(_HERE).as_posix(): path.read_bytes() for path in files})


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    return _wheel(wheel_directory, {"martlet.pth": f"{_HERE}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    import tarfile

    name = f"martlet-{_version()}"
    with tarfile.open(Path(sdist_directory) / f"{name}.tar.gz", "w:gz") as archive:
        for part in ("martlet", "README.md", "pyproject.toml", "build_backend.py"):
            archive.add(_HERE / part, f"{name}/{part}", filter=lambda one: None if "__pycache__" in one.name else one)
    return f"{name}.tar.gz"
