// Stands in for the flow page until it is built.
import "../shell/shell.css";

document.getElementById("page")!.textContent = "The flow page is being built.";
