"""`castproof demo`."""


def demo_command() -> None:
    """Demo."""
