// The hours of one week as the server computes them, also for hours that are not saved yet.
import { useEffect, useRef, useState } from "preact/hooks";
import { useRetry } from "./back";
import { ask, codeOf, type Session, told } from "./client";
import { type Draft, input } from "./draft";
import { PreviewWeekDocument, type PreviewWeekMutationVariables, WeekDocument } from "./generated/graphql";
import { IN_HOURS, type Leaf, type Value } from "./leaves";
import { byPath } from "./use-save";
import { type Hours, type Range, rangeOf } from "./week-picture";

/** Milliseconds without a key before the server is asked for a preview. */
const TYPING = 300;

export interface WeekHours {
  hours: Hours | null;
  /** The week that `hours` were asked for: that of before while the answer is awaited. */
  monday: string;
  /** Whether `hours` are those of edits that are not saved. */
  preview: boolean;
  problem: string;
}

type Answer = Omit<WeekHours, "monday">;

export function useWeek(session: Session, draft: Draft, monday: string): WeekHours & { again(): void } {
  const [week, setWeek] = useState<WeekHours>({ hours: null, monday, preview: false, problem: "" });
  const [round, setRound] = useState(0);
  const asked = useRef(0);
  const edits = Object.fromEntries(
    Object.entries(draft.edits).filter(([leaf]) => IN_HOURS.includes(leaf as Leaf)),
  ) as Partial<Record<Leaf, Value | null>>;
  const wanted = JSON.stringify(edits);

  useEffect(() => {
    const number = ++asked.current;
    const preview = wanted !== "{}";
    const show = (next: Answer) => {
      if (number === asked.current) setWeek((last) => (next.hours ? { ...next, monday } : { ...last, problem: next.problem }));
    };
    const timer = setTimeout(
      () => {
        const variables = { id: draft.now.id, ...rangeOf(monday) };
        const told = preview ? previewed(session, { ...variables, input: input(edits) }) : saved(session, variables);
        void told.then(show);
      },
      preview ? TYPING : 0,
    );
    return () => clearTimeout(timer);
  }, [wanted, monday, draft.now.version, round]);
  const again = () => setRound((round) => round + 1);
  useRetry(week.problem !== "", again);
  return { ...week, again };
}

async function saved(session: Session, variables: { id: string } & Range): Promise<Answer> {
  try {
    const { messageFlow } = await ask(session, WeekDocument, variables);
    return { hours: messageFlow?.settings.responseSettings.workingHours ?? null, preview: false, problem: "" };
  } catch (error) {
    return { hours: null, preview: false, problem: told(error) };
  }
}

/** Hours that cannot be (yet) leave the picture as it was: the form says why when it is saved. */
async function previewed(session: Session, variables: PreviewWeekMutationVariables): Promise<Answer> {
  try {
    const { messageFlow, errors } = (await ask(session, PreviewWeekDocument, variables, true)).updateMessageFlow;
    const hours = messageFlow?.settings.responseSettings.workingHours ?? null;
    return { hours, preview: hours !== null, problem: Object.values(byPath(errors)).join(" ") };
  } catch (error) {
    return { hours: null, preview: false, problem: codeOf(error) === "FORBIDDEN" ? "" : told(error) };
  }
}
