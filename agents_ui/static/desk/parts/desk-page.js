// desk/parts/desk-page.js - the whole desk: bar, offers and conversations, the conversation, the customer
import { useSignalEffect } from "@preact/signals";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { panel } from "../keys.js";
import { AlarmList } from "./alarm-list.js";
import { Bar } from "./bar.js";
import { ConversationList } from "./conversation-list.js";
import { ConversationView } from "./conversation-view.js";
import { Customer } from "./customer.js";
import { DualOver } from "./dual-over.js";
import { KeysOverlay } from "./keys-overlay.js";
import { LinkBanner } from "./link-banner.js";
import { Offers } from "./offers.js";
import { SignOutPanel } from "./sign-out-panel.js";
import { Toasts } from "./toasts.js";

/**
 * @param {object} props
 * @param {import("../desk.js").Desk} props.desk
 * @param {ReturnType<typeof import("../arming.js").makeArming>} props.arming
 * @param {import("@preact/signals").Signal<Awaited<ReturnType<typeof import("../../elsewhere/desk-elsewhere.js").openDeskElsewhere>> | null>} props.moving
 */
export function DeskPage({ desk, arming, moving }) {
  useSignalEffect(() => {
    const unread = [...desk.attention.unread.value.values()].reduce((sum, count) => sum + count, 0);
    const mark = desk.offers.value.length ? `▲ ${say("offer")} · ` : unread ? `(${unread}) ` : "";
    document.title = mark + say("title");
  });
  const id = desk.attention.shown.value;
  const conversation = desk.store.conversation.value.get(id);
  const { Banner = LinkBanner, elsewhere = null } = moving.value ?? {};
  const banner = html`<${Banner} link=${desk.link} elsewhere=${elsewhere} count=${desk.store.conversation.value.size} />`;
  if (!desk.store.words.value) return html`${banner}<p class="opening">${say("opening")}</p>`;
  return html`<div class="desk" data-live=${desk.live.value} data-view=${conversation ? desk.attention.view.value : "list"}>
    <${Bar} desk=${desk} />
    <div class="banners">
      ${banner}
      ${desk.calls.value && desk.callParts.value && html`<${desk.callParts.value.CallStrip} desk=${desk} calls=${desk.calls.value} />`}
    </div>
    <div class="side">
      <${Offers} desk=${desk} arming=${arming} />
      <${ConversationList} desk=${desk} />
      <${DualOver} desk=${desk} />
      <${AlarmList} desk=${desk} />
    </div>
    ${conversation
      ? html`<${ConversationView} key=${id} desk=${desk} conversation=${conversation} />
          <${Customer} key=${`customer ${conversation.customer_id || id}`} desk=${desk} conversation=${conversation} />`
      : html`<main class="nothing"><${Nothing} desk=${desk} /></main>`}
    <${Toasts} toasts=${desk.toasts} />
    ${panel.value === "keys" && html`<${KeysOverlay} close=${() => (panel.value = "")} />`}
    ${panel.value === "sign-out" && html`<${SignOutPanel} desk=${desk} close=${() => (panel.value = "")} />`}
  </div>`;
}

/** @param {{desk: import("../desk.js").Desk}} props */
function Nothing({ desk }) {
  const me = desk.me.value;
  const available = () => desk.order({ kind: "presence", available: true, reason: "" });
  return html`<p>${say(me?.available ? "nothing_available" : "nothing_away")}</p>
    ${!me?.available && html`<button type="button" class="strong big" onClick=${available}>${say("become_available")}</button>`}
    <p class="hint">${say("nothing_keys")} <kbd>?</kbd></p>`;
}
