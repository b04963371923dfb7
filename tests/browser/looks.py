"""Widths and colours to look at a page in: each of them once, and every pair where there is time."""

import pytest


def looks(*widths: int) -> pytest.MarkDecorator:
    """Gives a test `width` and `dark`. By turns dark and light: how wide a page is does not depend on its
    colours, nor what can be read on its width. The other pairs are for make test-long."""
    return pytest.mark.parametrize(
        ("width", "dark"),
        [
            pytest.param(width, dark, marks=() if dark == (number % 2 == 0) else pytest.mark.long)
            for number, width in enumerate(widths)
            for dark in (False, True)
        ],
    )
