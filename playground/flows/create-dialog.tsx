// A new flow from the few leaves that it cannot do without; the rest is edited on its own page.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ask, persistently, type Session, told } from "./client";
import { Dialog } from "./dialog";
import { Field, focusRefused } from "./field";
import { CreateDocument, type CreateMessageFlowInput } from "./generated/graphql";
import { newKey } from "./idempotency-key";
import { type Leaf, patch, type Value } from "./leaves";
import { byPath, type Errors } from "./use-save";

const NEEDED: Leaf[] = ["name", "messageChannel", "direction", "agent", "prompt", "initiationMessage"];
const AT_FIRST: Partial<Record<Leaf, Value>> = { messageChannel: "SMS", direction: "BIDIRECTIONAL" };

interface Props {
  session: Session;
  closed(): void;
  created(id: string): void;
}

export function CreateDialog({ session, closed, created }: Props) {
  const [values, setValues] = useState(AT_FIRST);
  const [errors, setErrors] = useState<Errors>({});
  const [busy, setBusy] = useState(false);
  // The same flow sent again, because its answer was lost, is not made twice; another flow gets another key.
  const [key, setKey] = useState(newKey);

  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => focusRefused(form.current), [errors]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const input = patch(NEEDED.map((leaf) => [leaf, values[leaf] ?? ""] as const)) as CreateMessageFlowInput;
    try {
      const { createMessageFlow } = await persistently(() => ask(session, CreateDocument, { input, idempotencyKey: key }));
      if (createMessageFlow.messageFlow) return created(createMessageFlow.messageFlow.id);
      setErrors(byPath(createMessageFlow.errors));
    } catch (error) {
      setErrors({ "": told(error) });
    }
    setBusy(false);
  };
  const edit = (leaf: Leaf) => (value: Value | null) => {
    setValues({ ...values, [leaf]: value ?? "" });
    setKey(newKey());
  };
  return (
    <Dialog title="New flow" wide closed={closed}>
      <form ref={form} class="fields" onSubmit={(event) => void submit(event)} noValidate>
        {NEEDED.map((leaf) => (
          <Field key={leaf} leaf={leaf} value={values[leaf] ?? ""} error={errors[leaf]} changed={edit(leaf)} />
        ))}
        {errors[""] && (
          <p class="problem" role="alert">
            {errors[""]}
          </p>
        )}
        <div class="actions">
          <button type="button" onClick={closed}>
            Cancel
          </button>
          <button class="primary" aria-disabled={busy}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  );
}
