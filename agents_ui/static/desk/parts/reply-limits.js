// desk/parts/reply-limits.js - what stands against an answer: they want none, texts are off; and approved messages
import { html } from "../../shared/html.js";
import { clockTime } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { panel } from "../keys.js";

/** Blocked by the provider: no emergency opens that. */
const BLOCKED = "opted_out_blocked";

/** Whether an answer may not go now. @param {import("../../types.js").Conversation} conversation @param {boolean} emergency */
export const isUnwanted = (conversation, emergency) =>
  Boolean(conversation.unwanted) && !(emergency && conversation.unwanted !== BLOCKED);

/** @param {{conversation: import("../../types.js").Conversation, emergency: boolean, setEmergency: (on: boolean) => void}} props */
export function ReplyLimits({ conversation, emergency, setEmergency }) {
  const { unwanted, text_off } = conversation;
  return html`${text_off && html`<p class="reply-window" data-state="closing">${say("text_off", { time: clockTime(text_off.since_ms) })} <bdi>${text_off.reason}</bdi></p>`}
    ${unwanted && html`<div class="reply-window" data-state="closed" role="status">
      <strong>${say(unwanted)}</strong> ${say(`do_${unwanted}`)}
      ${unwanted !== BLOCKED && html`<label class="emergency"><input type="checkbox" checked=${emergency}
        onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setEmergency(event.currentTarget.checked)} /> ${say("emergency_send")}</label>`}
    </div>`}`;
}

/** Opens the list of approved messages, where the account has any. @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function TemplateButton({ desk, conversation }) {
  const any = desk.store.words.value?.templates?.some((one) => one.account === conversation.account);
  if (!any) return null;
  return html`<button type="button" class="small" aria-expanded=${panel.value === "template"}
    onClick=${() => (panel.value = panel.value === "template" ? "" : "template")}>${say("template_open")}</button>`;
}
