import "../shell/shell.css";

document.getElementById("page")!.textContent = "The reference is being built.";
