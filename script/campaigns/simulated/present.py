"""Which world runs now: what settings name by a dotted path must find it. One world at a time in a process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World

_world: "World | None" = None


def enter(world: "World | None") -> None:
    """Begin a world, or with None end it."""
    global _world
    _world = world


def is_inside() -> bool:
    """Whether a world runs."""
    return _world is not None


def world() -> "World":
    """The world that runs. RuntimeError outside of one."""
    if _world is None:
        raise RuntimeError("no world runs")
    return _world
