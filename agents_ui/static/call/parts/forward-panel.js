// call/parts/forward-panel.js - the call goes to a number outside: the agent gives it away
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Panel } from "../../desk/parts/panel.js";

/**
 * @param {object} props
 * @param {import("../../desk/desk.js").Desk} props.desk
 * @param {import("../desk-calls.js").Calls} props.calls
 * @param {import("../../types.js").Conversation} props.conversation
 * @param {() => void} props.close
 */
export function ForwardPanel({ desk, calls, conversation, close }) {
  const [to, setTo] = useState("");
  const [sending, setSending] = useState(false);
  const call = desk.store.call.value.get(conversation.interaction_id);
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!call) return;
    setSending(true);
    const answer = await calls.forward(call, to.replace(/[\s().-]/g, ""));
    setSending(false);
    if (answer.ok) close();
  };
  return html`<${Panel} name="forward" title=${say("call_forward")} close=${close}>
    <form class="call-forward" onSubmit=${send}>
      <label>${say("call_forward_to")}
        <input data-first type="tel" dir="ltr" autocomplete="off" placeholder="+31 20 123 4567" value=${to}
          onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setTo(event.currentTarget.value)} /></label>
      <p class="hint">${say("call_forward_hint")}</p>
      <div class="row"><button type="submit" class="strong" disabled=${!to.trim() || sending || !call?.can.forward}>${say("call_forward_yes")}</button>
        <button type="button" onClick=${close}>${say("close")}</button></div>
    </form>
  <//>`;
}
