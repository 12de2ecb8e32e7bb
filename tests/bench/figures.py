"""A measured figure, and the table that shows all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

AT_LEAST: Callable[[float, float], bool] = float.__ge__
AT_MOST: Callable[[float, float], bool] = float.__le__


@dataclass(frozen=True)
class Goal:
    """The goal of a figure: of its ratio to the floor, or of itself where there is no floor or it is `absolute`."""

    holds: Callable[[float, float], bool]
    value: float
    absolute: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.holds is AT_LEAST else '≤'} {self.value:g}"


@dataclass(frozen=True)
class Figure:
    """One line of the table. `note` says what was measured, in a few words."""

    name: str
    ours: float
    unit: str
    floor: float | None = None
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours to the floor."""
        return self.ours / self.floor if self.floor else None

    @property
    def aim(self) -> str:
        """The goal in words; with its unit where it is not of the ratio."""
        if self.goal is None:
            return ""
        return f"{self.goal} {self.unit}" if self.goal.absolute else str(self.goal)

    @property
    def verdict(self) -> str:
        """Whether the goal is met; empty without one."""
        if self.goal is None:
            return ""
        judged = self.ours if self.ratio is None or self.goal.absolute else self.ratio
        return "met" if self.goal.holds(float(judged), float(self.goal.value)) else "missed"


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table("figure", "ours", "floor", "ratio", "goal", "verdict", "measured")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.ours:,.4g} {figure.unit}",
            "" if figure.floor is None else f"{figure.floor:,.4g} {figure.unit}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.aim,
            figure.verdict,
            figure.note,
        )
    Console(width=150).print(table)
