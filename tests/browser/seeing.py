"""What can be computed about how a page looks: contrast, names of controls, and whether it fits."""

from playwright.sync_api import Page

_CONTRAST = """
() => {
  const channel = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3);
    const text = texts.map((node) => node.data.trim()).join("");
    if (!text || !element.checkVisibility({ opacityProperty: true })) continue;
    if (element.closest(":disabled, .unseen, noscript, svg, [data-live=false]")) continue;
    const [one, two] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    const name = `${element.tagName} ${element.className} ${text.slice(0, 30)}`;
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${name}`);
  }
  return found;
}
"""

_UNNAMED = """
() => [...document.querySelectorAll("button, a, input, textarea, select, [role=img]")]
  .filter((element) => element.checkVisibility())
  .filter((element) => !(element.ariaLabel || element.innerText?.trim() || element.labels?.length))
  .map((element) => element.outerHTML.slice(0, 120))
"""

_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

_CUT_OFF = """
() => [...document.querySelectorAll(".offer, .panel, .bubble, .message, button")]
  .filter((element) => element.checkVisibility())
  .filter((element) => !["auto", "scroll"].includes(getComputedStyle(element).overflowY))
  .filter((element) => element.scrollHeight > element.clientHeight + 4 && element.clientHeight)
  .map((element) => `${element.scrollHeight} in ${element.clientHeight}: ${element.outerHTML.slice(0, 80)}`)
"""


def cut_off(page: Page) -> list[str]:
    """Cards and buttons whose content is higher than they are, so that some of it cannot be seen."""
    found: list[str] = page.evaluate(_CUT_OFF)
    return found


def low_contrasts(page: Page) -> list[str]:
    """Visible text whose contrast with what is behind it is below 4.5, WCAG 2.2, 1.4.3."""
    found: list[str] = page.evaluate(_CONTRAST)
    return found


def unnamed_controls(page: Page) -> list[str]:
    """Visible controls without a name, WCAG 2.2, 4.1.2."""
    found: list[str] = page.evaluate(_UNNAMED)
    return found


def wider_than_screen(page: Page) -> bool:
    """Whether the page scrolls sideways, WCAG 2.2, 1.4.10."""
    found: bool = page.evaluate(_TOO_WIDE)
    return found
