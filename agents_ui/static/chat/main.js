// chat/main.js - starts the customer's page
import { effect } from "@preact/signals";
import { render } from "preact";
import { html } from "../shared/html.js";
import { loadMoving } from "../shared/sites.js";
import { openUploads } from "../shared/uploads.js";
import { loadWords, say } from "../shared/words.js";
import { openCalling } from "./calling.js";
import { ChatPage } from "./parts/chat-page.js";
import { openChat } from "./store.js";
import { markTitle } from "./title.js";

const root = /** @type {HTMLElement} */ (document.getElementById("page"));
const { site = "", notice = "", calls = "", number = "" } = root.dataset; // in the page itself, so that they are there before any connection

await loadWords("chat");
document.title = site ? `${say("title")} · ${site}` : say("title");
root.replaceChildren();

const chat = openChat();
const uploads = openUploads(({ client_id, file }) => `/chat/attachment?${new URLSearchParams({ client_id, name: file.name })}`);
const calling = openCalling({ offered: calls === "yes", number, notice });
effect(() => void (chat.link.value.again && uploads.allAgain()));
const moving = loadMoving(root, async (sites) => (await import("../elsewhere/chat-elsewhere.js")).openChatElsewhere(sites, chat));
render(html`<${ChatPage} chat=${chat} uploads=${uploads} calling=${calling} moving=${moving} site=${site} notice=${notice} />`, root);
markTitle(chat, document.title);
