// desk/parts/toasts.js - short words about what just happened
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";

/** @param {{toasts: ReturnType<typeof import("../toasts.js").openToasts>}} props */
export function Toasts({ toasts }) {
  return html`<ol class="toasts" role="status" aria-live="polite">
    ${toasts.toasts.value.map((toast) => html`<li key=${toast.id} data-tone=${toast.tone}>
      <span aria-hidden="true">${toast.tone === "good" ? "✓" : "▲"}</span> <span dir="auto">${toast.text}</span>
      <button type="button" class="icon-button" aria-label=${say("dismiss")} onClick=${() => toasts.drop(toast.id)}>×</button>
    </li>`)}
  </ol>`;
}
