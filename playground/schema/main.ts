// What the schema reference does beyond being read: it finds names, and folds its contents where there is little room.
import "../shell/shell.css";
import "./schema.css";
import { followTheme } from "../shell/theme";

const contents = document.querySelector<HTMLDetailsElement>(".contents")!;
const input = contents.querySelector("input")!;
const found = contents.querySelector(".found")!;
const entries = [...contents.querySelectorAll<HTMLElement>("[data-words]")];
const wide = matchMedia("(min-width: 900px)");

function find(): void {
  const words = input.value.toLowerCase().split(/[\s.]+/).filter(Boolean);
  for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.words!.includes(word));
  for (const links of contents.querySelectorAll<HTMLElement>(".links")) {
    links.hidden = !links.querySelector("[data-words]:not([hidden])");
  }
  const left = entries.filter((entry) => !entry.hidden).length;
  found.textContent = words.length ? (left ? `${left} of ${entries.length}` : "Nothing has that name.") : "";
}

input.addEventListener("input", find);
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter") entries.find((entry) => !entry.hidden)?.querySelector("a")?.click();
});
contents.addEventListener("click", (event) => {
  if ((event.target as Element).closest("nav a") && !wide.matches) contents.open = false;
});
const fold = () => void (contents.open = wide.matches);
wide.addEventListener("change", fold);
fold();
followTheme();
