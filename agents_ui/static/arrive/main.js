// arrive/main.js - a page that comes from the other site: its ticket is in the fragment, and leaves the address at once
import { render } from "preact";
import { unpacked } from "../elsewhere/carried.js";
import { html } from "../shared/html.js";
import { sitesOf } from "../shared/sites.js";
import { loadWords } from "../shared/words.js";
import { ArrivePage } from "./arrive-page.js";

const sent = unpacked(location.hash.slice(1));
history.replaceState(null, "", "/arrive");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const sites = sitesOf(root);
await loadWords(`elsewhere-${sent?.kind === "chat" ? "chat" : "desk"}`);
root.replaceChildren();
if (sent === null || sites === null) location.replace("/");
else render(html`<${ArrivePage} sent=${sent} sites=${sites} trusted=${root.dataset.sent === "yes"} />`, root);
