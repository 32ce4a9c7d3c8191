"""What networks' training programs and stages share: a state on disk, and the arithmetic."""

from pathlib import Path

import pytest
import torch

from containers.contract.errors import EnvironmentFault
from containers.toolkit.networks import precision
from containers.toolkit.networks.training import take_state, write_state


def test_a_state_is_read_back(tmp_path: Path) -> None:
    write_state(tmp_path / "resume.pt", {"weights": torch.arange(3), "seed": 4})
    state = take_state(tmp_path / "resume.pt", "cpu", lambda taken: taken)
    assert state["seed"] == 4
    assert state["weights"].tolist() == [0, 1, 2]


class Foreign:
    """An object that no state holds; unpickling it would run its code."""

    def __reduce__(self) -> tuple[object, ...]:
        return print, ("it ran",)


def test_a_foreign_file_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"seed": Foreign()}, tmp_path / "resume.pt")
    with pytest.raises(EnvironmentFault, match="is not readable"):
        take_state(tmp_path / "resume.pt", "cpu", lambda state: state)
    assert "it ran" not in capsys.readouterr().out


def test_a_state_that_lacks_something_is_one_line(tmp_path: Path) -> None:
    write_state(tmp_path / "resume.pt", {"seed": 4})
    with pytest.raises(EnvironmentFault, match=r"^resume\.pt.* is not readable") as caught:
        take_state(tmp_path / "resume.pt", "cpu", lambda state: state["weights"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("device", "wanted", "able", "expected"),
    [
        ("cpu", "auto", False, False),
        ("cpu", "auto", True, True),
        ("cuda", "auto", False, True),
        ("cpu", "float32", True, False),
        ("cuda", "float32", True, False),
        ("cpu", "bfloat16", False, True),
    ],
)
def test_arithmetic(monkeypatch: pytest.MonkeyPatch, device: str, wanted: str, able: bool, expected: bool) -> None:
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: able)
    assert precision.reduced(device, wanted) is expected
