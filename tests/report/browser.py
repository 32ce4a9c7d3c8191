"""A small client of a headless Chromium over its debugging pipe, for tests of the report in a real browser.

The protocol is Chrome's DevTools protocol: JSON messages that end in a zero byte, commands on the browser's file
descriptor 3, answers and events on 4 (`--remote-debugging-pipe`). No port is opened.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60
KEYS = {"Enter": ("\r", 13), "Tab": ("", 9), " ": (" ", 32)}


def executable() -> str | None:
    """The browser of this machine, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of one browser. `events`: everything it said by itself, as (method, parameters)."""

    def __init__(self, process: subprocess.Popen[bytes], commands: int, answers: int) -> None:
        self._process, self._commands, self._answers = process, commands, answers
        self._rest = b""
        self._numbers = itertools.count(1)
        self._session = ""
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _batches(self, deadline: float) -> Iterator[list[dict[str, Any]]]:
        while True:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise ConnectionError("the browser has ended")
            *whole, self._rest = (self._rest + data).split(b"\0")
            yield [json.loads(part) for part in whole]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and give its result. Raises RuntimeError with the browser's complaint."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        answer: dict[str, Any] | None = None
        for batch in self._batches(time.monotonic() + SECONDS):
            # The answer may stand between events: all of a batch is taken before the call returns.
            for found in batch:
                if found.get("id") == number:
                    answer = found
                elif "method" in found:
                    self.events.append((found["method"], found.get("params", {})))
            if answer is not None and not self._rest:
                break
        assert answer is not None
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return dict(answer["result"])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited. Raises RuntimeError when it throws."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:500])
        return found["result"].get("value")

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file and wait until its script has run and it is laid out."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        for _ in range(100 * SECONDS):
            if self.evaluate("document.readyState + location.protocol") == "completefile:":
                break
            time.sleep(0.01)
        self.settle()

    def settle(self) -> None:
        """Wait for timers that are due, for the next two frames, and for all events of the page up to then."""
        self.evaluate("new Promise(d => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(d)), 0))")
        # Events come in the order of the page, but not before the answer of a call: one of our own is the last.
        last = f"settled {next(self._numbers)}"
        self.evaluate(f"console.debug({json.dumps(last)})")
        for _ in range(100 * SECONDS):
            ours = [event for event in self.events if last in json.dumps(event[1])]
            if ours:
                self.events = [event for event in self.events if event not in ours]
                return
            self.evaluate("0")
            time.sleep(0.01)
        raise TimeoutError("the page's events do not come")

    def size(self, width: int, height: int = 900) -> None:
        """The window in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def media(self, kind: str = "screen", scheme: str = "light") -> None:
        """Emulate a medium (`screen`, `print`) and the colours that the reader prefers."""
        self.call(
            "Emulation.setEmulatedMedia", media=kind, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def scripts(self, allowed: bool) -> None:
        """Whether pages may run scripts. Pages that are open keep what they ran."""
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def press(self, key: str) -> None:
        """One key, as a keyboard sends it."""
        text, code = KEYS[key]
        which = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **which)
        self.call("Input.dispatchKeyEvent", type="keyUp", **which)
        self.settle()

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it prints on A4."""
        self.media("")
        found = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """A headless browser with a profile of its own, ended with the block."""
    profile = tempfile.mkdtemp(prefix="report-browser-")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    flags += " --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe"
    commands_in, commands = os.pipe()
    answers, answers_out = os.pipe()

    def place_pipes() -> None:
        # Copies first: one of the two may itself be number 3 or 4.
        first, second = os.dup(commands_in), os.dup(answers_out)
        os.dup2(first, 3)
        os.dup2(second, 4)

    process = subprocess.Popen(
        [program, *flags.split(), f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=place_pipes,
    )
    os.close(commands_in)
    os.close(answers_out)
    try:
        yield Browser(process, commands, answers)
    finally:
        with suppress(OSError):
            os.close(commands)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        os.close(answers)
        shutil.rmtree(profile, ignore_errors=True)
