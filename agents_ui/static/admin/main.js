// admin/main.js - starts the admin page
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadMoving } from "../shared/sites.js";
import { loadWords, say } from "../shared/words.js";
import { openAdmin } from "./admin.js";
import { AdminPage } from "./parts/admin-page.js";

await loadWords("admin");
document.title = say("title");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const admin = openAdmin(() => location.replace("/sign-in?next=/admin"));
const moving = loadMoving(root, async (sites) => {
  const [{ openDeskElsewhere }, { openPulse }] = await Promise.all([import("../elsewhere/desk-elsewhere.js"), import("../elsewhere/pulse.js")]);
  return openDeskElsewhere(sites, openPulse());
});
root.replaceChildren();
render(html`<${AdminPage} admin=${admin} moving=${moving} />`, root);
