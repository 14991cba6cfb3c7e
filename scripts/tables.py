"""What a measure found, side by side, with the ratios to the first contender."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Table:
    """Values by contender, by default seconds; the first one is what the others are compared with.
    They are shown `scale` times as large, in `unit`.
    """

    title: str
    unit: str = "ms"
    scale: float = 1000
    rows: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contender: str, value: float) -> None:
        self.rows.setdefault(contender, []).append(value)

    def print(self) -> None:
        first = next(iter(self.rows.values()))
        print(f"\n{self.title}  ({len(first)} rounds)")
        print(f"  {'':44}{'min':>9}{'median':>9}{'max':>9}   ratio to the first: min/median/max")
        for contender, values in self.rows.items():
            ratios = [mine / base for mine, base in zip(values, first, strict=True)]
            shown = "".join(f"{self._shown(value):>9}" for value in spread(values))
            compared = " / ".join(f"{value:.2f}" for value in spread(ratios))
            print(f"  {contender:44}{shown}   {compared}", flush=True)

    def _shown(self, value: float) -> str:
        scaled = value * self.scale
        return f"{scaled:.0f}{self.unit}" if scaled >= 10 else f"{scaled:.2f}{self.unit}"


def spread(values: list[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
