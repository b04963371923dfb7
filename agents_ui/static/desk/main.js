// desk/main.js - starts the agent's desk
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadWords, say } from "../shared/words.js";
import { makeArming } from "./arming.js";
import { openDesk } from "./desk.js";
import { listenToKeys } from "./keys.js";
import { DeskPage } from "./parts/desk-page.js";

await loadWords("desk");
document.title = say("title");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const desk = openDesk(() => location.replace("/sign-in"));
const arming = makeArming();
listenToKeys(desk, arming);
root.replaceChildren();
render(html`<${DeskPage} desk=${desk} arming=${arming} />`, root);
