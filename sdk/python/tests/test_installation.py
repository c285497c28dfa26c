"""`pip install ./sdk/python`, without a network, and what it leaves on the search path."""

import os
import subprocess
import sys
import tempfile
import unittest
import venv
from pathlib import Path

from fake_host import SDK, FakeHost

SAYS_WHERE = """
    import martlet
    class A(martlet.LitAPI):
        def predict(self, x): return martlet.__file__
    """
OFFLINE = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]


class InstallationTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.place = Path(cls.folder.name) / "installed"
        cls.install("--target", str(cls.place), str(SDK))

    @classmethod
    def install(cls, *words):
        done = subprocess.run([cls.pip(), "-m", "pip", "install", *OFFLINE, *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    @classmethod
    def pip(cls):
        """A Python that has pip: this one, or one made here with what Python brings along."""
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
            return sys.executable
        made = Path(cls.folder.name) / "venv"
        if not made.exists():
            venv.create(made, with_pip=True)
        return str(made / "bin" / "python")

    def run_installed(self, *words):
        """A program of its own that has the installed SDK alone, away from the repository."""
        variables = {name: value for name, value in os.environ.items() if name != "MARTLET_WORKER"}
        return subprocess.run(
            [sys.executable, *words], env={**variables, "PYTHONPATH": str(self.place)}, cwd=self.folder.name,
            capture_output=True, text=True, timeout=30,
        )

    def test_all_of_the_package_is_there_and_nothing_else(self):
        kept = {".py", ".html", ".typed"}
        wanted = {file.relative_to(SDK) for file in (SDK / "martlet").rglob("*") if file.suffix in kept}
        files = (file for file in self.place.rglob("*") if file.is_file() and file.suffix != ".pyc")
        found = {file.relative_to(self.place) for file in files}
        self.assertEqual({file for file in found if file.parts[0] == "martlet"}, wanted)
        about = {file.parts[0] for file in found} - {"martlet"}
        self.assertEqual(len(about), 1, about)
        self.assertRegex(about.pop(), r"^martlet-\d+\.\d+\.\d+.*\.dist-info$")

    def test_it_is_imported_from_there_with_its_version(self):
        code = "import martlet, importlib.metadata as m; print(martlet.__file__, martlet.__version__, m.version('martlet'))"
        done = self.run_installed("-c", code)
        file, version, stated = done.stdout.split()
        self.assertEqual(file, str(self.place / "martlet" / "__init__.py"), done.stderr)
        self.assertEqual(version, stated)

    def test_the_entry_of_workers_says_who_starts_it(self):
        done = self.run_installed("-m", "martlet.worker", "model.py")
        self.assertEqual([done.returncode, done.stdout], [1, ""])
        self.assertIn("started by Martlet", done.stderr)

    def test_a_worker_of_it_serves(self):
        with FakeHost(SAYS_WHERE, environment={"PYTHONPATH": str(self.place)}) as host:
            self.assertEqual(host.result(1), str(self.place / "martlet" / "__init__.py"))

    def test_an_editable_installation_leads_to_the_repository(self):
        place = Path(self.folder.name) / "editable"
        self.install("--target", str(place), "--editable", str(SDK))
        self.assertEqual((place / "martlet.pth").read_text().strip(), str(SDK))


if __name__ == "__main__":
    unittest.main()
