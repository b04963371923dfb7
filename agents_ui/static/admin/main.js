// admin/main.js - starts the admin page
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadWords, say } from "../shared/words.js";
import { openAdmin } from "./admin.js";
import { AdminPage } from "./parts/admin-page.js";

await loadWords("admin");
document.title = say("title");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const admin = openAdmin(() => location.replace("/sign-in?next=/admin"));
root.replaceChildren();
render(html`<${AdminPage} admin=${admin} />`, root);
