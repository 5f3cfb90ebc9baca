// The REST reference: Swagger UI over this server's openapi.json, ready to send a request to this server.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "../shell/shell.css";
import "./reference.css";
import { askAnew, keyHeader, keyIfNeeded, offerKey } from "../shell/key";
import { keepAccessible, PLAIN_PATHS } from "./access";
import { followTheme } from "../shell/theme";
import { at, exampleWorkspace, needsKey, root } from "../shell/server";

type Parameter = { required?: boolean; example?: unknown };
type Sent = { headers: Record<string, string> };

/** What a request of this page says besides what its form says: the example's workspace, and the key of this visit. */
function withUsualHeaders(sent: Sent): Sent {
  return { ...sent, headers: { "x-workspace-id": exampleWorkspace, ...keyHeader(), ...sent.headers } };
}

/** The document with this server at the address under which the page was found, whatever proxy stands before it.
 *  Forms begin with the examples, so only what must be sent keeps one: an If-Match of another time would refuse. */
async function described(): Promise<object> {
  const answer = await fetch(at("openapi.json"));
  if (!answer.ok) throw new Error(`The server does not give its openapi.json (status ${answer.status}); load this page again.`);
  const document = await answer.json();
  for (const parameter of Object.values<Parameter>(document.components.parameters)) {
    if (!parameter.required) delete parameter.example;
  }
  return { ...document, servers: [{ url: root.href.replace(/\/$/, ""), description: "This server." }] };
}

const page = document.getElementById("page")!;
followTheme((dark) => document.documentElement.classList.toggle("dark-mode", dark));

offerKey();
await keyIfNeeded();
try {
  show(await described());
} catch (error) {
  page.textContent = error instanceof Error ? error.message : String(error);
}

function show(spec: object): void {
  keepAccessible(page);
  SwaggerUI({
    spec,
    domNode: page,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: null,
    plugins: [PLAIN_PATHS],
    syntaxHighlight: { theme: "nord" },
    requestInterceptor: withUsualHeaders,
    responseInterceptor: (answer: { status: number }) => {
      if (answer.status === 401 && needsKey) void askAnew();
      return answer;
    },
  });
}
