// desk/parts/template-late.js - loads the panel of approved messages, and its words, when it is first opened
import { signal } from "@preact/signals";
import { html } from "../../shared/html.js";
import { loadWords, say } from "../../shared/words.js";

/** @type {import("@preact/signals").Signal<typeof import("./template-panel.js").TemplatePanel | null>} */
const loaded = signal(null);

async function load() {
  const [{ TemplatePanel }] = await Promise.all([import("./template-panel.js"), loadWords("template-desk")]);
  loaded.value = TemplatePanel;
}

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation, close: () => void}} props */
export function TemplateLate(props) {
  if (loaded.value) return html`<${loaded.value} ...${props} />`;
  load().catch((reason) => (console.warn("template-panel", reason), props.desk.toasts.show(say("offline"), "alarm"), props.close()));
  return null;
}
