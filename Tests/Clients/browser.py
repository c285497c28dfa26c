"""Chromium, driven by WebDriver: what the checks of the console's pages share."""

import base64
import contextlib
import json
import shutil
import signal
import tempfile
import urllib.error
import urllib.request

from support import Child, eventually

PAGE_SECONDS = 10
EVIL = "<img src=x onerror=document.title='hacked'>"


def request(method: str, url: str, body=None, timeout: float = 20):
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(call, timeout=timeout) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.read().decode()[:500]}") from error


class Browser:
    """One window of Chromium."""

    ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

    def __init__(self, driver: str, width: int, dark: bool):
        self._profile = tempfile.TemporaryDirectory()
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            f"--user-data-dir={self._profile.name}", *(["--force-dark-mode"] if dark else []),
        ]
        options = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
        opened = request("POST", f"{driver}/session", {"capabilities": {"alwaysMatch": options}}, timeout=40)
        self._session = f"{driver}/session/{opened['value']['sessionId']}"
        self._call("POST", "window/rect", {"width": width, "height": 900})

    def _call(self, method: str, path: str, body=None):
        return request(method, f"{self._session}/{path}", body)["value"]

    def close(self) -> None:
        request("DELETE", self._session)
        self._profile.cleanup()

    def open(self, url: str) -> None:
        self._call("POST", "url", {"url": url})

    def run(self, script: str, *given):
        return self._call("POST", "execute/sync", {"script": script, "args": list(given)})

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def shows(self, text: str, selector: str = "body", within: float = PAGE_SECONDS) -> None:
        eventually(lambda: text in self.text(selector), within, f"{selector} shows {text!r}: {self.text(selector)[:600]}")

    def click(self, text: str, selector: str = "button") -> None:
        """A real click on the first element that says exactly this."""
        found = lambda: self.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".find(one => one.offsetParent && one.innerText.trim() === arguments[1])", selector, text,
        )
        element = eventually(found, PAGE_SECONDS, f"a {selector} says {text!r}")
        self._call("POST", f"element/{element[self.ELEMENT]}/click", {})

    def type(self, selector: str, text: str) -> None:
        element = self._call("POST", "element", {"using": "css selector", "value": selector})[self.ELEMENT]
        self._call("POST", f"element/{element}/clear", {})
        self._call("POST", f"element/{element}/value", {"text": text})

    def press(self, key: str) -> None:
        """A key, by WebDriver's name for it, where the focus is."""
        codes = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004"}
        steps = [{"type": kind, "value": codes[key]} for kind in ("keyDown", "keyUp")]
        self._call("POST", "actions", {"actions": [{"type": "key", "id": "keys", "actions": steps}]})

    def choose(self, selector: str, *paths) -> None:
        """Files, in a field for files."""
        element = self._call("POST", "element", {"using": "css selector", "value": selector})[self.ELEMENT]
        self._call("POST", f"element/{element}/value", {"text": "\n".join(map(str, paths))})

    def drop(self, selector: str, *paths) -> None:
        """Files or folders, dragged from outside."""
        x, y = self.run(
            "const one = document.querySelector(arguments[0]); one.scrollIntoView({block: 'center'});"
            "const {x, y} = one.getBoundingClientRect(); return [x + 5, y + 5]", selector,
        )
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": x, "y": y, "data": data}
            self._call("POST", "goog/cdp/execute", {"cmd": "Input.dispatchDragEvent", "params": event})

    def problems(self) -> list:
        """What the browser complains about: scripts that failed, content that the policy blocked."""
        return [entry["message"] for entry in self._call("POST", "se/log", {"type": "browser"})
                if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]

    def overflows(self) -> bool:
        return self.run("return document.documentElement.scrollWidth > window.innerWidth")

    def picture(self) -> bytes:
        return base64.b64decode(self._call("GET", "screenshot"))


@contextlib.contextmanager
def browser(width: int = 1100, dark: bool = False):
    program = shutil.which("chromedriver")
    assert program, "chromedriver is needed: Debian's package chromium-driver"
    with Child([program, "--port=0"]) as driver:
        port = driver.prints(r"started successfully on port (\d+)")
        window = Browser(f"http://127.0.0.1:{port}", width, dark)
        try:
            yield window
        finally:
            window.close()
            # It inherits a blocked SIGTERM from who runs the tests, and has nothing to keep.
            driver.stop(signal.SIGKILL)
