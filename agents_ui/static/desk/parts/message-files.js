// desk/parts/message-files.js - what hangs on a message: files to save, those still to come, those that will not
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { ShownFile } from "./shown-file.js";

/** @param {{message: import("../../types.js").Message}} props */
export function MessageFiles({ message }) {
  const { file, files = [], files_wanted = 0, files_lost = 0, raw = "", kind } = message;
  const every = file ? [file, ...files] : files;
  return html`
    ${every.map((each) => html`<${ShownFile} key=${each.url} file=${each} />`)}
    ${files_wanted > 0 && html`<p class="hint">${say("files_wanted", { count: files_wanted })}</p>`}
    ${files_lost > 0 && html`<p class="flag">${say("files_lost", { count: files_lost })}</p>`}
    ${raw && html`<p class="message-file"><a href=${raw} download><small>${say("as_it_arrived")}</small></a></p>`}
    ${kind === "attachment" && !file && html`<p class="flag">${say("erased")}</p>`}
  `;
}
