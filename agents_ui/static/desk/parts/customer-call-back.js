// desk/parts/customer-call-back.js - a call-back before its time: a supervisor gives it another time, or ends it
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { say } from "../../shared/words.js";
import { atTime, inputTime } from "../calling.js";

/** @param {{desk: import("../desk.js").Desk, other: import("../person-types.js").OtherOpen}} props */
export function CallBackTools({ desk, other }) {
  const [what, setWhat] = useState(""); // "", time or end
  const [time, setTime] = useState("");
  const { interaction_id } = other;
  if (!["supervisor", "admin"].includes(desk.me.value?.role ?? "")) return null;
  const change = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const answer = await desk.order({ kind: "call_back_change", interaction_id, due_at_ms: atTime(time) });
    if (answer.ok) setWhat("");
  };
  const begin = () => (setTime(inputTime(other.parked_until_ms)), setWhat("time"));
  const cancel = (/** @type {string} */ disposition) => desk.order({ kind: "call_back_cancel", interaction_id, disposition });
  if (what === "time") {
    return html`<form class="call-back-tools" onSubmit=${change}>
      <input type="datetime-local" required value=${time} aria-label=${say("call_back_when")} onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setTime(event.currentTarget.value)} />
      <button type="submit" class="strong small">${say("keep")}</button>
      <button type="button" class="small" onClick=${() => setWhat("")}>${say("leave_it")}</button>
    </form>`;
  }
  if (what === "end") {
    return html`<div class="call-back-tools" role="group" aria-label=${say("call_back_end_title")}>
      <p>${say("call_back_end_title")}</p>
      ${desk.store.words.value?.dispositions.map((one) => html`<button type="button" class="small" key=${one.id} onClick=${() => cancel(one.id)}>${one.name}</button>`)}
      <button type="button" class="small" onClick=${() => setWhat("")}>${say("leave_it")}</button>
    </div>`;
  }
  return html`<div class="call-back-tools">
    <button type="button" class="small" onClick=${begin}>${say("call_back_change")}</button>
    <button type="button" class="small" onClick=${() => setWhat("end")}>${say("call_back_end")}</button>
  </div>`;
}
