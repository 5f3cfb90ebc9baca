// One flow: its settings, its week, its history, and what happens to it while one looks.
import { useEffect, useRef, useState } from "preact/hooks";
import { AnotherKey } from "./another-key";
import { ask, type Problem, sentenced, type Session, told } from "./client";
import { Conflict } from "./conflict";
import { ConnectionDot } from "./connection";
import { Question } from "./dialog";
import { edited } from "./draft";
import { FlowForm } from "./flow-form";
import { DeleteDocument, RestoreDocument } from "./generated/graphql";
import { Heading } from "./heading";
import { History } from "./history";
import { CHANNELS, DIRECTIONS } from "./leaves";
import { lastList } from "./list-search";
import { Moment } from "./moment";
import { useTell } from "./notices";
import { follow, go, guardLeaving, hrefOf } from "./router";
import { useFlow } from "./use-flow";
import { useLeaveGuard } from "./use-leave-guard";
import { type Save, useSave } from "./use-save";
import { Week } from "./week";

interface Props {
  session: Session;
  id: string;
  failed(problem: Problem): void;
}

export function FlowPage({ session, id, failed }: Props) {
  const flow = useFlow(session, id);
  const save = useSave(session, flow);
  const [deleting, setDeleting] = useState(false);
  const { draft, problem, gone } = flow;
  const guard = useLeaveGuard(draft !== null && gone === null && edited(draft).length > 0);
  const restored = useRestore(session, flow.again);
  const list = hrefOf({ flow: null, search: lastList(session.workspace) });

  useEffect(() => {
    if (problem) failed(problem);
  }, [problem]);
  useEffect(() => {
    if (draft) document.title = `${draft.now.name} · Message Flows`;
  }, [draft?.now.name]);

  const remove = useDelete(session, list, restored);
  const back = (
    <a href={list} onClick={follow} class="back">
      ← All flows
    </a>
  );
  if (gone === "unknown" || !draft) {
    return (
      <section class="flow-page">
        {back}
        <Nothing id={id} unknown={gone === "unknown"} problem={problem} again={flow.again} restore={() => void restored(id, "The flow")} />
      </section>
    );
  }
  return (
    <section class="flow-page" aria-labelledby="flow-heading">
      {back}
      <header class="page-head">
        <Heading id="flow-heading">{draft.now.name}</Heading>
        <ConnectionDot {...flow.connection} />
        <AutopilotButton on={draft.now.autopilot} save={save} disabled={gone !== null} />
        <button class="danger quiet" disabled={gone !== null} onClick={() => setDeleting(true)}>
          Delete
        </button>
        <p class="facts">
          <span class={`tag ${draft.now.messageChannel.toLowerCase()}`}>{CHANNELS[draft.now.messageChannel]}</span>
          <span>{DIRECTIONS[draft.now.direction]}</span>
          <span class={draft.now.isActive ? "state on" : "state"}>{draft.now.isActive ? "Active" : "Inactive"}</span>
          <span>
            Version <b>{draft.now.version}</b>, <Moment at={draft.now.updatedAt} />
          </span>
          <code>{draft.now.id}</code>
        </p>
      </header>
      {gone === "deleted" && (
        <p class="banner" role="alert">
          This flow was deleted elsewhere.
          <button onClick={() => void restored(id, draft.now.name)}>Restore it</button>
        </p>
      )}
      <nav class="jump" aria-label="On this page">
        <a href="#settings">Settings</a>
        <a href="#week">Working hours</a>
        <a href="#history">History</a>
      </nav>
      <div class="flow-columns">
        <FlowForm draft={draft} move={flow.move} save={save} disabled={gone !== null} />
        <div class="flow-side">
          <Week session={session} draft={draft} />
          <History session={session} flow={draft.now} unsaved={edited(draft).length > 0} locked={gone !== null} reverted={(next) => flow.move({ kind: "arrive", flow: next })} />
        </div>
      </div>
      {draft.refused && gone === null && <Conflict draft={draft} move={flow.move} save={save} />}
      {guard.asking && (
        <Question
          title="Leave without saving?"
          text="What you have edited is not saved and would be lost."
          yes="Leave"
          danger
          answer={guard.answer}
        />
      )}
      {deleting && (
        <Question
          title={`Delete ${draft.now.name}?`}
          text="It can be restored afterwards, until it is pruned from the database."
          yes="Delete"
          danger
          answer={(yes) => {
            setDeleting(false);
            if (yes) void remove(id, draft.now.name, draft.now.version);
          }}
        />
      )}
    </section>
  );
}

function AutopilotButton({ on, save, disabled }: { on: boolean; save: Save; disabled: boolean }) {
  return (
    <button class={`pilot-button ${on ? "on" : ""}`} aria-pressed={on} aria-disabled={save.busy} disabled={disabled} onClick={() => void save.toggle()}>
      <span class="thumb" aria-hidden="true" />
      Autopilot
    </button>
  );
}

interface NothingProps {
  id: string;
  unknown: boolean;
  problem: Problem | null;
  again(): void;
  restore(): void;
}

function Nothing({ id, unknown, problem, again, restore }: NothingProps) {
  if (unknown) {
    return (
      <div class="empty" role="alert">
        <h1>No such flow</h1>
        <p>
          There is no flow <code>{id}</code> in this workspace, or not any more.
        </p>
        <button onClick={restore}>Restore it if it was deleted</button>
      </div>
    );
  }
  if (!problem) return <div class="skeleton" role="status"><span class="unseen">Loading…</span><div /><div /><div /></div>;
  return (
    <div class="empty" role="alert">
      <h1>The flow cannot be shown</h1>
      <p>{problem.message}</p>
      <button onClick={again}>Try again</button> <AnotherKey code={problem.code} />
    </div>
  );
}

function useRestore(session: Session, then: () => void) {
  const tell = useTell();
  return async (id: string, name: string) => {
    try {
      const { restoreMessageFlow: done } = await ask(session, RestoreDocument, { id });
      const [error] = done.errors;
      tell(error ? { tone: "bad", text: sentenced(error.message) } : { text: `${name} is back.` });
      then();
    } catch (error) {
      tell({ tone: "bad", text: told(error) });
    }
  };
}

function useDelete(session: Session, list: string, restore: (id: string, name: string) => Promise<void>) {
  const tell = useTell();
  const isShown = useRef(true);
  useEffect(() => () => void (isShown.current = false), []);
  return async (id: string, name: string, ifVersion: number) => {
    tell({ text: `${name} is being deleted…` });
    try {
      const { deleteMessageFlow: done } = await ask(session, DeleteDocument, { id, ifVersion });
      const [error] = done.errors;
      if (error) return tell({ tone: "bad", text: sentenced(error.message) });
      if (isShown.current) {
        guardLeaving(null);
        await go(list);
      }
      tell({ text: `${name} is deleted.`, action: { label: "Undo", run: () => void restore(id, name) } });
    } catch (error) {
      tell({ tone: "bad", text: told(error) });
    }
  };
}
