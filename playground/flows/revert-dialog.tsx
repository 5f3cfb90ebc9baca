// Putting the leaves of an earlier version back, after a look at what that changes.
import { useEffect, useState } from "preact/hooks";
import { Changes } from "./changes";
import { ask, sentenced, type Session, told } from "./client";
import { Dialog } from "./dialog";
import { FlowAtDocument, type FormFragment, RevertDocument } from "./generated/graphql";
import { differing, read } from "./leaves";
import { useTell } from "./notices";

interface Props {
  session: Session;
  flow: FormFragment;
  version: number;
  unsaved: boolean;
  closed(): void;
  reverted(flow: FormFragment): void;
}

export function RevertDialog({ session, flow, version, unsaved, closed, reverted }: Props) {
  const [earlier, setEarlier] = useState<FormFragment | null>(null);
  const [problem, setProblem] = useState("");
  const [note, setNote] = useState("");
  const tell = useTell();

  useEffect(() => {
    ask(session, FlowAtDocument, { id: flow.id, version }).then(
      ({ messageFlow }) => (messageFlow ? setEarlier(messageFlow) : setProblem("That version is not kept any more.")),
      (error: unknown) => setProblem(told(error)),
    );
  }, []);

  const revert = async (event: Event) => {
    event.preventDefault();
    try {
      const asked = { id: flow.id, toVersion: version, ifVersion: flow.version, note: note || null };
      const { revertMessageFlow: done } = await ask(session, RevertDocument, asked);
      const [error] = done.errors;
      if (done.messageFlow) reverted(done.messageFlow);
      if (error) return setProblem(sentenced(error.message));
      tell({ text: `Version ${version} is back, as version ${done.messageFlow?.version}.` });
      closed();
    } catch (error) {
      setProblem(told(error));
    }
  };
  const changes = earlier ? differing(flow, earlier).map((path) => ({ path, before: read(flow, path), after: read(earlier, path) })) : [];
  return (
    <Dialog title={`Revert to version ${version}?`} wide closed={closed}>
      <form class="fields" onSubmit={(event) => void revert(event)}>
        {earlier && <p>{changes.length ? "This changes, as a new version:" : "The flow is as it was then: nothing would change."}</p>}
        <Changes changes={changes} />
        {unsaved && <p class="faint">Your unsaved edits stay in the form.</p>}
        <label class="field">
          <span>Why, for the history</span>
          <input value={note} maxLength={1000} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" onClick={closed}>
            Cancel
          </button>
          <button class="primary" disabled={!changes.length}>
            Revert
          </button>
        </div>
      </form>
    </Dialog>
  );
}
