// wall/main.js - starts the wall: its own words go before those it shares with the desk
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadWords, say } from "../shared/words.js";
import { WallPage } from "./parts/wall-page.js";
import { openWall } from "./wall.js";

await loadWords("desk");
await loadWords("wall");
document.title = say("title");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const wall = openWall(() => location.replace("/sign-in?next=/wall"));
root.replaceChildren();
render(html`<${WallPage} wall=${wall} />`, root);
