// desk/parts/conversation-view.js - one conversation: its head, its messages, and the reply or the wrap-up
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { VOICE } from "../desk.js";
import { panel } from "../keys.js";
import { whoIs } from "../names.js";
import { CallBackPanel } from "./call-back-panel.js";
import { ConversationHead } from "./conversation-head.js";
import { Also } from "./customer-also.js";
import { DualHere } from "./dual-here.js";
import { EndPanel } from "./end-panel.js";
import { MessageList } from "./message-list.js";
import { Place } from "./place.js";
import { ReplyBox } from "./reply-box.js";
import { TemplateLate } from "./template-late.js";
import { TransferPanel } from "./transfer-panel.js";
import { UrgencyPanel } from "./urgency-panel.js";
import { WrapUp } from "./wrap-up.js";

const PANELS = { transfer: TransferPanel, urgency: UrgencyPanel, end: EndPanel, "call-back": CallBackPanel, template: TemplateLate };

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function ConversationView({ desk, conversation }) {
  const calls = conversation.channel === VOICE ? desk.calls.value : null;
  const Open = { ...PANELS, ...(calls && desk.callParts.value?.panels) }[/** @type {keyof typeof PANELS} */ (panel.value)];
  const close = () => (panel.value = "");
  return html`<main class="conversation" aria-label=${whoIs(desk, conversation)}>
    <${ConversationHead} desk=${desk} conversation=${conversation} />
    ${Open && html`<${Open} desk=${desk} calls=${calls} conversation=${conversation} close=${close} />`}
    <div class="conversation-top">
      ${calls && desk.callParts.value && html`<${desk.callParts.value.CallBar} desk=${desk} calls=${calls} conversation=${conversation} />`}
      <${DualHere} desk=${desk} conversation=${conversation} />
      <${Also} desk=${desk} conversation=${conversation} />
      <${Place} desk=${desk} conversation=${conversation} />
    </div>
    <${MessageList} desk=${desk} conversation=${conversation} />
    ${conversation.wrap_up_since_ms
      ? html`<${WrapUp} desk=${desk} conversation=${conversation} />`
      : html`<${ReplyBox} desk=${desk} conversation=${conversation} />`}
  </main>`;
}
