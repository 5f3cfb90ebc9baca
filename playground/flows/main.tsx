// Puts the flow page into the shell that the server answers.
import { render } from "preact";
import "../shell/shell.css";
import { keyIfNeeded, offerKey } from "../shell/key";
import { App } from "./app";
import "./flows.css";
import "./flows-list.css";
import "./flows-form.css";
import "./flows-week.css";
import "./flows-history.css";

// The shell's links are relative to the address that was loaded, which moves on without loading.
for (const link of document.querySelectorAll<HTMLAnchorElement>(".shell a")) link.href = link.href;

offerKey();
await keyIfNeeded();
const page = document.getElementById("page") as HTMLElement;
page.replaceChildren();
render(<App />, page);
