// Flows as rows; on a narrow screen each row becomes a card.
import { follow, hrefOf } from "./router";
import { CHANNELS, DIRECTIONS } from "./leaves";
import { Moment } from "./moment";
import type { Page } from "./use-list";

interface Props {
  flows: Page["nodes"];
  workspace: string;
  changed: ReadonlySet<string>;
}

export function FlowTable({ flows, workspace, changed }: Props) {
  const search = new URLSearchParams(workspace ? { workspace } : {});
  return (
    <table class="flow-table">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Channel</th>
          <th scope="col">Direction</th>
          <th scope="col">State</th>
          <th scope="col">Hours</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        {flows.map((flow) => (
          <tr key={flow.id} class={changed.has(flow.id) ? "just-changed" : ""} data-version={flow.version}>
            <th scope="row">
              <a href={hrefOf({ flow: flow.id, search })} onClick={follow}>
                {flow.name}
              </a>
              {flow.description && <span class="description">{flow.description}</span>}
            </th>
            <td>
              <span class={`tag ${flow.messageChannel.toLowerCase()}`}>{CHANNELS[flow.messageChannel]}</span>
            </td>
            <td class="direction">{DIRECTIONS[flow.direction]}</td>
            <td>
              <States flow={flow} />
            </td>
            <td>
              <OpenNow hours={flow.settings.responseSettings.workingHours} />
            </td>
            <td class="when">
              <Moment at={flow.updatedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function States({ flow }: { flow: Page["nodes"][number] }) {
  return (
    <span class="states">
      <span class={flow.isActive ? "state on" : "state"}>{flow.isActive ? "Active" : "Inactive"}</span>
      {flow.autopilot && <span class="state pilot">Autopilot</span>}
      {flow.settings.security.hipaaCompliance && <span class="state hipaa">HIPAA</span>}
    </span>
  );
}

function OpenNow({ hours }: { hours: Page["nodes"][number]["settings"]["responseSettings"]["workingHours"] }) {
  if (!hours.enabled) return <span class="faint">Always open</span>;
  return <span class={hours.isOpen ? "open-now" : "closed-now"}>{hours.isOpen ? "Open now" : "Closed now"}</span>;
}
