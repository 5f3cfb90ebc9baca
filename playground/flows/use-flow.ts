// One flow: read, edited here, and followed while others edit it.
import { type Dispatch, useCallback, useEffect, useReducer, useRef, useState } from "preact/hooks";
import { useRetry, whenBack } from "./back";
import { ask, Problem, type Session } from "./client";
import { type Draft, type Move, moved, opened } from "./draft";
import { FlowChangedDocument, FlowDocument, type FormFragment } from "./generated/graphql";
import { type Connection, CONNECTING, listen } from "./live";

export interface Flow {
  draft: Draft | null;
  move: Dispatch<Move>;
  problem: Problem | null;
  /** There is no such flow, or not any more. */
  gone: "unknown" | "deleted" | null;
  connection: Connection;
  again(): void;
}

type Step = Move | { kind: "open"; flow: FormFragment };

export function useFlow(session: Session, id: string): Flow {
  const [draft, step] = useReducer(stepped, null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [gone, setGone] = useState<Flow["gone"]>(null);
  const [connection, setConnection] = useState(CONNECTING);
  const known = useRef(false);

  const read = useCallback(async () => {
    try {
      const { messageFlow } = await ask(session, FlowDocument, { id });
      setProblem(null);
      setGone(messageFlow ? null : known.current ? "deleted" : "unknown");
      if (messageFlow) {
        step({ kind: known.current ? "arrive" : "open", flow: messageFlow });
        known.current = true;
      }
    } catch (error) {
      setProblem(error as Problem);
    }
  }, [id]);

  useEffect(() => {
    void read();
    const unwatch = listen(session, FlowChangedDocument, { id }, {
      changed: ({ messageFlow, operation }) => {
        setGone(operation === "DELETE" ? "deleted" : null);
        if (messageFlow) step({ kind: "arrive", flow: messageFlow });
      },
      missed: () => void read(),
      connection: setConnection,
    });
    const unfollow = whenBack(() => void read());
    return () => {
      unwatch();
      unfollow();
    };
  }, [id]);
  useRetry(problem !== null, () => void read());
  return { draft, move: step, problem, gone, connection, again: () => void read() };
}

function stepped(draft: Draft | null, step: Step): Draft | null {
  if (step.kind === "open") return opened(step.flow);
  return draft && moved(draft, step);
}
