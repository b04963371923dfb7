// desk/main.js - starts the agent's desk
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadMoving } from "../shared/sites.js";
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
const moving = loadMoving(root, async (sites) => {
  const { openDeskElsewhere } = await import("../elsewhere/desk-elsewhere.js");
  const holds = () => desk.store.conversation.value.size + desk.store.offer.value.size > 0;
  const presence = () => (desk.me.value ? { available: desk.me.value.available, reason: desk.me.value.reason } : {});
  return openDeskElsewhere(sites, { link: desk.link, serves: desk.serves, holds, presence });
});
root.replaceChildren();
render(html`<${DeskPage} desk=${desk} arming=${arming} moving=${moving} />`, root);
