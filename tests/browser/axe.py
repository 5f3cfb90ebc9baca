"""What axe-core finds on a page: accessibility as far as a program can tell."""

from functools import cache
from pathlib import Path

from playwright.async_api import Page

SOURCE = Path(__file__).parents[2] / "playground/node_modules/axe-core/axe.min.js"
FOUND = """
async but => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  return violations
    .filter(({impact}) => impact === "serious" || impact === "critical")
    .flatMap(({id, nodes}) => nodes
      .filter(({target}) => !(id in but && document.querySelector(target[0]).matches(but[id])))
      .map(node => `${id}: ${node.target.join(" ")}: ${node.any[0]?.message ?? ""}`));
}"""


@cache
def source() -> str:
    return SOURCE.read_text("utf-8")


async def serious(page: Page, but: dict[str, str] | None = None) -> list[str]:
    """Serious and critical findings, one a place; a page that moves is looked at when it has come to rest.

    `but`: rule -> selector of what breaks it and is not ours to mend.
    """
    await page.evaluate("document.getAnimations().forEach(moves => moves.cancel())")
    await page.evaluate(source())
    return list(await page.evaluate(FOUND, but or {}))
