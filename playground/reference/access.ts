// What Swagger UI leaves out for those who do not see or point: names of its fields, and a way by keyboard into what scrolls.

interface React {
  createElement(type: string, properties: null, ...children: unknown[]): unknown;
}

/** A link inside the button that opens an operation would be a control within a control; its text is enough. */
export const PLAIN_PATHS = {
  wrapComponents: {
    DeepLink: (_: unknown, { React }: { React: React }) =>
      ({ text }: { text: unknown }) => React.createElement("span", null, text),
  },
};

/** Names and opens to the keyboard whatever comes into the page, as long as the page lives. */
export function keepAccessible(page: HTMLElement): void {
  let waiting = 0;
  const soon = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      mend(page);
    });
  };
  new MutationObserver(soon).observe(page, { childList: true, subtree: true });
}

function mend(page: HTMLElement): void {
  for (const control of page.querySelectorAll("tr[data-param-name] :is(input, select, textarea):not([aria-label])")) {
    control.setAttribute("aria-label", control.closest("tr")!.dataset.paramName!);
  }
  for (const body of page.querySelectorAll("textarea.body-param__text:not([aria-label])")) {
    body.setAttribute("aria-label", "Request body");
  }
  for (const choice of page.querySelectorAll("select:not([aria-label]):not([id])")) {
    choice.setAttribute("aria-label", "Media type");
  }
  for (const text of page.querySelectorAll<HTMLElement>("pre:not([tabindex])")) text.tabIndex = 0;
}
