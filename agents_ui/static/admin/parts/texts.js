// admin/parts/texts.js - whether texts are taken, by account and channel; switching them off takes a reason
import { useState } from "preact/hooks";
import { html } from "../../shared/html.js";
import { dayAndTime } from "../../shared/time.js";
import { uniqueId } from "../../shared/unique.js";
import { say } from "../../shared/words.js";
import { Sure } from "../../wall/parts/sure.js";
import { State } from "./state.js";

/** @param {{admin: import("../admin.js").Admin}} props */
export function Texts({ admin }) {
  const found = admin.known.texts.value;
  if (!found) return html`<p class="hint">${say("asking")}</p>`;
  const lacking = found.words.length === 0;
  return html`<section><h2>${say("part_texts")}</h2>
    <p class="hint">${say("texts_hint")}</p>
    ${lacking && html`<p role="alert"><${State} tone="alarm">${say("texts_no_words")}<//></p>`}
    <div class="scroll"><table><thead><tr>${["texts_of", "state", "acts"].map((head) => html`<th scope="col" key=${head}>${say(`h_${head}`)}</th>`)}</tr></thead>
      <tbody>${found.switches.map((/** @type {any} */ one) => html`<${One} key=${`${one.scope}/${one.id}`} admin=${admin} one=${one} lacking=${lacking} />`)}</tbody></table></div>
    ${!lacking && html`<h3>${say("texts_words")}</h3>
      <ul class="texts-words">${found.words.map((/** @type {any} */ each) => html`<li key=${each.language}><code>${each.language}</code> <span dir="auto">${each.text}</span></li>`)}</ul>`}</section>`;
}

/** @param {{admin: import("../admin.js").Admin, one: any, lacking: boolean}} props any: one of `switches` */
function One({ admin, one, lacking }) {
  const [reason, setReason] = useState("");
  const name = say(`texts_${one.scope}`, { name: one.id });
  const turn = (/** @type {boolean} */ off) => async () => {
    const body = { scope: one.scope, id: one.id, off, reason: reason.trim(), command_id: uniqueId() };
    if (await admin.act("/api/admin/texts", body, say(off ? "texts_off_done" : "texts_on_done", { name }))) setReason("");
  };
  const since = one.off && html` ${say("texts_since", { time: dayAndTime(one.since_ms), name: one.name })} <bdi>${one.reason}</bdi> · ${say("texts_told", { count: one.told })}`;
  return html`<tr><th scope="row">${name}</th>
    <td><${State} tone=${one.off ? "alarm" : "good"}>${say(one.off ? "texts_off" : "texts_on")}<//>${since}</td>
    <td><div class="acts">${one.off
      ? html`<${Sure} label=${say("texts_turn_on")} question=${say("texts_on_sure", { name })} act=${turn(false)} />`
      : html`<input aria-label=${say("texts_reason_of", { name })} placeholder=${say("texts_reason")} maxlength="200" dir="auto" value=${reason}
          onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setReason(event.currentTarget.value)} />
        <${Sure} label=${say("texts_turn_off")} question=${say("texts_off_sure", { name })} act=${turn(true)} disabled=${lacking || !reason.trim()} />`}</div></td></tr>`;
}
