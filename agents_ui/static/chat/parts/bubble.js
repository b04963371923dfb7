// chat/parts/bubble.js - one message: saved ones as the server has them, others marked as not yet saved
import { html } from "../../shared/html.js";
import { clockTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";

/** @param {{message: import("../../types.js").ChatMessage}} props */
export function Bubble({ message }) {
  const { from, text, file, at_ms, kind } = message;
  return html`<li class="bubble" data-from=${from}>
    <span class="unseen">${say(`from_${from}`)}</span>
    ${kind === "place" && html`<p><b>${say("place_sent")}</b></p>`}
    ${text && html`<p dir="auto">${text}</p>`}
    ${file && html`<a class="file" href=${file.url} download=${file.name}><bdi>${file.name}</bdi> <small>${size(file.bytes)}</small></a>`}
    <small class="mark">${clockTime(at_ms)}${from === "you" && html` <span class="saved">✓ ${say("saved")}</span>`}</small>
  </li>`;
}

/** @param {{entry: import("../../shared/outbox.js").Unsent, takeBack: (entry: import("../../shared/outbox.js").Unsent) => void}} props */
export function UnsavedBubble({ entry, takeBack }) {
  const refused = entry.state === "refused";
  return html`<li class="bubble" data-from="you" data-state=${entry.state}>
    <span class="unseen">${say("from_you")}</span>
    <p dir="auto">${entry.text}</p>
    ${entry.state === "kept" && html`<small class="mark"><span class="saved">✓ ${say("saved")}</span></small>`}
    ${entry.state === "unsaved" && html`<small class="mark"><span class="clock" aria-hidden="true"></span> ${say("unsaved")}</small>`}
    ${refused && html`<small class="mark" role="alert"><b>${say("refused")}</b> <span dir="auto">${entry.why}</span></small>`}
    ${refused && html`<button type="button" onClick=${() => takeBack(entry)}>${say("take_back")}</button>`}
  </li>`;
}

/** @param {number} bytes */
export function size(bytes) {
  const megabytes = bytes / 1_000_000;
  if (megabytes >= 1) return `${megabytes.toFixed(1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1000))} kB`;
}
