// desk/parts/conversation-head.js - who this is, how urgent, whether still there; and what can be done with it
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { panel, WITH } from "../keys.js";
import { languageName, nameOf, whoIs } from "../names.js";
import { UrgencyMark } from "./urgency-mark.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function ConversationHead({ desk, conversation }) {
  const { urgency, queue_id, channel, language, connected, assigned_at_ms } = conversation;
  const words = desk.store.words.value;
  const toggle = (/** @type {string} */ name) => () => (panel.value = panel.value === name ? "" : name);
  const since = assigned_at_ms && second.value ? duration(serverNow() - assigned_at_ms) : "";
  const talking = !conversation.wrap_up_since_ms;
  return html`<header class="conversation-head">
    <button type="button" class="icon-button back" aria-label=${say("to_list")} onClick=${() => (desk.attention.view.value = "list")}><span class="turns">‹</span></button>
    <div class="head-who">
      <h2><bdi>${whoIs(desk, conversation)}</bdi></h2>
      <ul class="facts">
        ${connected !== null && html`<li data-connected=${connected} class="connected">${say(connected ? "connected" : "not_connected")}</li>`}
        <li>${nameOf(words?.channels, channel)}</li>
        <li>${nameOf(words?.queues, queue_id)}</li>
        ${language && html`<li>${languageName(language)}</li>`}
        <li>${say("with_me")} <time>${since}</time></li>
        ${conversation.follows && html`<li class="flag">${say(connected === false ? "follows_away" : "follows")}</li>`}
        ${conversation.reading === "unparsed" && html`<li class="flag">${say("unparsed")}</li>`}
        ${conversation.traffic !== "real" && html`<li class="flag drill">${say(`traffic_${conversation.traffic}`)}</li>`}
      </ul>
    </div>
    <div class="head-actions">
      <button type="button" class="to-customer" onClick=${() => (desk.attention.view.value = "customer")}>${say("person")} ${conversation.earlier || ""}</button>
      <button type="button" class="urgency-button" onClick=${toggle("urgency")} aria-expanded=${panel.value === "urgency"}
        aria-label=${say("change_urgency")} title=${`${WITH}+U`}><${UrgencyMark} urgency=${urgency} word size=${20} /></button>
      <button type="button" onClick=${toggle("call-back")} aria-expanded=${panel.value === "call-back"} title=${`${WITH}+B`}>${say("call_back")}</button>
      ${talking && html`<button type="button" onClick=${toggle("transfer")} aria-expanded=${panel.value === "transfer"} title=${`${WITH}+T`}>${say("transfer")}</button>
        <button type="button" onClick=${toggle("end")} aria-expanded=${panel.value === "end"} title=${`${WITH}+E`}>${say("end")}</button>`}
    </div>
  </header>`;
}
