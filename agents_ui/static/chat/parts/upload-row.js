// chat/parts/upload-row.js - a file on its way: how far, and what to do when it did not work
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { size } from "./bubble.js";

/**
 * @param {object} props
 * @param {import("../../shared/uploads.js").Upload} props.upload
 * @param {ReturnType<typeof import("../../shared/uploads.js").openUploads>} props.uploads
 */
export function UploadRow({ upload, uploads }) {
  const { file, state, done, client_id } = upload;
  const percent = Math.floor(done * 100);
  return html`<li class="bubble upload" data-from="you" data-state=${state === "sending" ? "unsaved" : "refused"}>
    <p><bdi>${file.name}</bdi> <small>${size(file.size)}</small></p>
    ${state === "sending" && html`<progress max="100" value=${percent} aria-label=${file.name}></progress>
      <small class="mark">${percent < 100 ? say("uploading", { percent }) : say("unsaved")}</small>`}
    ${state !== "sending" && html`<small class="mark" role="alert"><b>${say("upload_failed")}</b> <span dir="auto">${upload.why}</span></small>`}
    <div class="row">
      ${state === "failed" && html`<button type="button" onClick=${() => uploads.again(upload)}>${say("try_again")}</button>`}
      <button type="button" class="quiet" onClick=${() => uploads.remove(client_id)}>${say("remove")}</button>
    </div>
  </li>`;
}
