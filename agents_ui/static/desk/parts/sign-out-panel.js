// desk/parts/sign-out-panel.js - signing out with conversations in hand: says what becomes of them, then asks
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { Panel } from "./panel.js";

/** @param {{desk: import("../desk.js").Desk, close: () => void}} props */
export function SignOutPanel({ desk, close }) {
  return html`<${Panel} name="sign-out" title=${say("sign_out")} close=${close}>
    <p>${say("sign_out_text", { count: desk.store.conversation.value.size })}</p>
    <div class="row">
      <button type="button" data-first class="strong" onClick=${close}>${say("sign_out_no")}</button>
      <button type="button" onClick=${desk.signOut}>${say("sign_out_yes")}</button>
    </div>
  <//>`;
}
