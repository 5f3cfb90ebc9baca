// What GraphiQL's editors lack: long lines that can be read, a way out by keyboard, and clicks that count at once.
import { useEffect, useLayoutEffect, useRef } from "react";
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { TabFocus } from "monaco-editor/esm/vs/editor/browser/config/tabFocus.js";
import { named, operationsOf, parsed } from "./operations";

/** Tab goes on to what comes next, as everywhere on a page, and does not indent, until Monaco's own Ctrl+M changes that. */
TabFocus.setTabFocusMode(true);

export function Editors() {
  const query = useGraphiQL((state) => state.queryEditor);
  useEffect(() => query?.updateOptions({ wordWrap: "on" }), [query]);
  useOwnOperations();
  useEarlyClicks();
  return null;
}

/** For a while after a tab was opened GraphiQL would run, or offer to run, the operations of the tab before. */
function useOwnOperations(): void {
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]);
  const { setOperationFacts } = useGraphiQLActions();
  useLayoutEffect(() => {
    const documentAST = parsed(tab?.query);
    if (!documentAST) return;
    setOperationFacts({ documentAST, operations: operationsOf(documentAST), operationName: named(documentAST, tab?.operationName) });
  }, [tab?.id]);
}

/** GraphiQL shows tabs and Run before its editors, without which it minds neither: clicks wait until those are there. */
function useEarlyClicks(): void {
  const ready = useGraphiQL(({ queryEditor, variableEditor, headerEditor, responseEditor }) =>
    Boolean(queryEditor && variableEditor && headerEditor && responseEditor),
  );
  const clicked = useRef<HTMLElement[]>([]);
  useEffect(() => {
    if (ready) return clickAgain(clicked.current.splice(0));
    const remember = (event: MouseEvent) => {
      const control = (event.target as Element).closest<HTMLElement>(".graphiql-sessions button");
      if (!control) return;
      event.stopPropagation();
      clicked.current.push(control);
    };
    addEventListener("click", remember, true);
    return () => removeEventListener("click", remember, true);
  }, [ready]);
}

/** One after the other, each when what the one before has changed is shown. */
function clickAgain([next, ...rest]: HTMLElement[]): void {
  if (!next) return;
  next.click();
  setTimeout(clickAgain, 0, rest);
}
