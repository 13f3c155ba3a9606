// Where the page begins.

import { render } from "preact";
import { App } from "./frame/app";
import { applyStoredTheme } from "./frame/theme_switch";
import "./styles/index.css";

applyStoredTheme();
const root = document.getElementById("page");
if (root) render(<App />, root);
