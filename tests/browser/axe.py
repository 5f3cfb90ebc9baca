"""What axe-core finds on a page: accessibility as far as a program can tell."""

from functools import cache
from pathlib import Path

from playwright.async_api import Page

SOURCE = Path(__file__).parents[2] / "playground/node_modules/axe-core/axe.min.js"
FOUND = """
async () => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  return violations
    .filter(({impact}) => impact === "serious" || impact === "critical")
    .flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target.join(" ")}: ${node.any[0]?.message ?? ""}`));
}"""


@cache
def source() -> str:
    return SOURCE.read_text("utf-8")


async def serious(page: Page) -> list[str]:
    """Serious and critical findings, one a place; a page that moves is looked at when it has come to rest."""
    await page.evaluate("document.getAnimations().forEach(moves => moves.cancel())")
    await page.evaluate(source())
    return list(await page.evaluate(FOUND))
