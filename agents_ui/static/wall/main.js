// wall/main.js - starts the wall: its own words go before those it shares with the desk
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadMoving } from "../shared/sites.js";
import { loadWords, say } from "../shared/words.js";
import { WallPage } from "./parts/wall-page.js";
import { openWall } from "./wall.js";

await loadWords("desk");
await loadWords("wall");
document.title = say("title");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const wall = openWall(() => location.replace("/sign-in?next=/wall"));
const moving = loadMoving(root, async (sites) => {
  const { openDeskElsewhere } = await import("../elsewhere/desk-elsewhere.js");
  return openDeskElsewhere(sites, { link: wall.link, serves: wall.serves });
});
root.replaceChildren();
render(html`<${WallPage} wall=${wall} moving=${moving} />`, root);
