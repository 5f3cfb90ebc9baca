import "../shell/shell.css";
import "./workers";

document.getElementById("page")!.textContent = "The playground is being built.";
