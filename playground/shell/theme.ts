// Light or dark on every page: as the system says, unless the playground's switch was set.
const CHOSEN = "graphiql:theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function isDark(): boolean {
  const chosen = localStorage.getItem(CHOSEN);
  return chosen === "dark" || (chosen !== "light" && system.matches);
}

/** Marks the root element, now and whenever the choice may have changed; `also` is told each time. */
export function followTheme(also: (dark: boolean) => void = () => {}): void {
  const mark = () => {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
    also(isDark());
  };
  system.addEventListener("change", mark);
  addEventListener("storage", mark);
  new MutationObserver(mark).observe(document.body, { attributeFilter: ["class"] });
  mark();
}
