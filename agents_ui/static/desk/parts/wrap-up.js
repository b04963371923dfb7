// desk/parts/wrap-up.js - how it ended, and a note for whoever talks to this person next
import { useLayoutEffect, useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { duration, second, serverNow } from "../../shared/time.js";
import { say } from "../../shared/words.js";
import { focusOn } from "../keys.js";

/** @param {{desk: import("../desk.js").Desk, conversation: import("../../types.js").Conversation}} props */
export function WrapUp({ desk, conversation }) {
  const { interaction_id, wrap_up_since_ms } = conversation;
  const [disposition, setDisposition] = useState("");
  const [sending, setSending] = useState(false);
  const writing = desk.writing.value;
  const note = writing?.draft(interaction_id, "note") ?? "";
  useLayoutEffect(() => void (document.activeElement?.matches("textarea") || focusOn(".wrap-up input")), []);

  const finish = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setSending(true);
    const answer = await desk.order({ kind: "dispose", interaction_id, disposition, note: note.trim() });
    setSending(false);
    if (answer.ok) writing?.write(interaction_id, "note", "");
  };
  const since = second.value ? duration(serverNow() - wrap_up_since_ms) : "";
  return html`<form class="wrap-up" onSubmit=${finish}>
    <fieldset>
      <legend>${say("wrap_up")} <time>${since}</time></legend>
      <div class="dispositions">
        ${desk.store.words.value?.dispositions.map((one) => html`<label key=${one.id}>
          <input type="radio" name="disposition" value=${one.id} checked=${disposition === one.id} onChange=${() => setDisposition(one.id)} />
          <span>${one.name}</span>
        </label>`)}
      </div>
    </fieldset>
    <textarea rows="2" dir="auto" value=${note} placeholder=${say("wrap_up_note")} aria-label=${say("wrap_up_note")}
      onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => writing?.write(interaction_id, "note", event.currentTarget.value)}></textarea>
    <button type="submit" class="strong" disabled=${!disposition || sending}>${say("finish")}</button>
  </form>`;
}
