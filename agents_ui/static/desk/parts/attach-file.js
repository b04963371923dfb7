// desk/parts/attach-file.js - the button that sends a file, and the files that are still on their way
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function AttachFile({ desk, conversation }) {
  const { interaction_id, files_bytes_max = 0 } = conversation;
  if (!files_bytes_max) return null;
  const chosen = (/** @type {{currentTarget: HTMLInputElement}} */ event) => {
    for (const file of event.currentTarget.files ?? []) desk.files.add(file, refused(file, files_bytes_max), interaction_id);
    event.currentTarget.value = "";
  };
  return html`<label class="attach-file"><input type="file" multiple class="unseen" onChange=${chosen} />${say("file_send")}</label>`;
}

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function FilesUnderWay({ desk, conversation }) {
  const uploads = desk.files.uploads.value.filter((one) => one.interaction_id === conversation.interaction_id);
  if (!uploads.length) return null;
  return html`<ul class="files-under-way">
    ${uploads.map((one) => html`<li key=${one.client_id} data-state=${one.state}>
      <bdi>${one.file.name}</bdi>
      ${one.state === "sending"
        ? html`<progress max="1" value=${one.done} aria-label=${one.file.name}></progress>
            <small>${one.done < 1 ? say("file_sending", { percent: Math.floor(one.done * 100) }) : say("file_arriving")}</small>`
        : html`<b role="alert">${say("file_not_sent")} <span dir="auto">${one.why}</span></b>`}
      ${one.state === "failed" && html`<button type="button" class="small" onClick=${() => desk.files.again(one)}>${say("file_again")}</button>`}
      <button type="button" class="small" onClick=${() => desk.files.remove(one.client_id)}>${say("file_remove")}</button>
    </li>`)}
  </ul>`;
}

/** @param {File} file @param {number} most */
function refused(file, most) {
  if (file.size === 0) return say("file_empty");
  return file.size > most ? say("file_too_big", { limit: (most / 1_000_000).toFixed(1) }) : "";
}
