"""A headless Chromium, driven by its own chromedriver over HTTP: nothing but the standard library."""

import base64
import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
MISSING = "needs a headless Chromium: apt-get install chromium chromium-driver"
TIMEOUT_S = 90
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def browser_is_here() -> bool:
    """Return whether Chromium and its driver are installed."""
    return bool(shutil.which(DRIVER) and any(map(shutil.which, BROWSERS)))


class Browser:
    """One window."""

    def __init__(self, address: str, session: str) -> None:
        self._address = f"{address}/session/{session}"

    def open(self, path: Path) -> None:
        """Load a file from the disk."""
        self._ask("POST", "url", {"url": path.resolve().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what JavaScript returns."""
        return self._ask("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what stands in the elements of these ids."""
        return dict(
            self.run("return arguments[0].map(id => [id, document.getElementById(id).textContent])", ids)
        )

    def keys(self, selector: str, text: str) -> None:
        """Type into an element."""
        self._ask("POST", f"element/{self._find(selector)}/value", {"text": text})

    def retype(self, selector: str, text: str) -> None:
        """Replace what stands in a field."""
        self._ask("POST", f"element/{self._find(selector)}/value", {"text": "\ue009a\ue000\ue003" + text})

    def click(self, selector: str) -> None:
        """Click on an element."""
        self._ask("POST", f"element/{self._find(selector)}/click", {})

    def drag(self, selector: str, right_px: int, *, below_px: int = 0, kind: str = "mouse") -> None:
        """Take hold of an element at its middle, or below it, move it to the right, and let go."""
        origin = {_ELEMENT: self._find(selector)}
        steps = [
            {"type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": below_px},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 100, "origin": "pointer", "x": right_px, "y": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": steps}
        self._ask("POST", "actions", {"actions": [pointer]})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return what was logged since the last time: "browser" for the console, "performance" for the network."""
        found: list[dict[str, Any]] = self._ask("POST", "se/log", {"type": kind})
        return found

    def command(self, name: str, **parameters: Any) -> Any:
        """Return the answer to a command of the DevTools protocol."""
        return self._ask("POST", "goog/cdp/execute", {"cmd": name, "params": parameters})

    def size(self, width: int, height: int, *, mobile: bool = False, scale: float = 1) -> None:
        """Give the page a window of its own size, as a phone has it."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page."""
        answer = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def paper(self) -> bytes:
        """Return the page as PDF."""
        answer = self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        """Close the window."""
        self._ask("DELETE", "", None)

    def _find(self, selector: str) -> str:
        found = self._ask("POST", "element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def _ask(self, method: str, path: str, body: Any) -> Any:
        return ask(method, f"{self._address}/{path}".rstrip("/"), body)


def ask(method: str, url: str, body: Any) -> Any:
    """Return the value that a WebDriver answers. Raises AssertionError where it answers with an error."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode(errors="replace")[:2000]) from error


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Open a window of a headless Chromium that keeps nothing; close it, and the driver, at the end."""
    binary = next(path for path in map(shutil.which, BROWSERS) if path)
    with tempfile.TemporaryDirectory() as home:
        driver = subprocess.Popen(
            [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            address = f"http://127.0.0.1:{_port_of(driver)}"
            options = {"binary": binary, "args": [*_FLAGS, f"--user-data-dir={home}"]}
            wanted = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            session = ask("POST", f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})
            browser = Browser(address, session["sessionId"])
            yield browser
            browser.close()
        finally:
            driver.terminate()
            driver.wait(timeout=30)


def _port_of(driver: "subprocess.Popen[str]") -> int:
    assert driver.stdout is not None
    for line in driver.stdout:
        if "started successfully on port" in line:
            return int(line.rstrip().rstrip(".").rpartition(" ")[2])
    raise AssertionError("chromedriver did not start")
