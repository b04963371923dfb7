// sign-in/main.js - starts the sign-in page
import { render } from "preact";
import { html } from "../shared/html.js";
import { kept } from "../shared/keep.js";
import { loadWords, say } from "../shared/words.js";
import { SignInPage } from "./sign-in-page.js";

await loadWords("sign-in");
document.title = say("title");
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
root.replaceChildren();
render(html`<${SignInPage} ended=${kept(sessionStorage, "muster.desk.ended", false)} />`, root);
