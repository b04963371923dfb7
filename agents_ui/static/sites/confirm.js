// sites/confirm.js - why, and this site's name typed: nobody changes who serves whom by an arrow key and Enter
import { useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";
import { siteOf } from "./pair.js";

const WHY_MAX = 300;

/**
 * @param {object} props
 * @param {any} props.pair any: the answer of /api/admin/sites
 * @param {string} props.label of the button
 * @param {boolean} props.working
 * @param {boolean} [props.refused] it would be refused: the button waits
 * @param {boolean} [props.named] whether the name is to be typed
 * @param {boolean} [props.reasoned] whether somebody will want to know why
 * @param {(said: {why: string, confirm: string}) => Promise<boolean>} props.act
 * @param {import("preact").ComponentChildren} [props.children] options, above
 */
export function Confirm({ pair, label, working, refused = false, named = false, reasoned = true, act, children }) {
  const [why, setWhy] = useState("");
  const [typed, setTyped] = useState("");
  if (!pair.may_act) return null;
  const said = typed.trim().toLowerCase();
  const confirmed = !named || said === pair.site.toLowerCase() || said === siteOf(pair, pair.site).name.toLowerCase();
  const ready = confirmed && !working && !refused;
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (ready && (await act({ why: why.trim(), confirm: named ? typed : "" }))) (setTyped(""), setWhy(""));
  };
  const into = (/** @type {(value: string) => void} */ set) => (/** @type {{currentTarget: HTMLInputElement}} */ event) => set(event.currentTarget.value);
  return html`<form class="confirm" onSubmit=${submit}>
    ${children}
    ${reasoned && html`<label><span>${say("why")} <small>${say("why_hint")}</small></span><input dir="auto" autocomplete="off" maxlength=${WHY_MAX} value=${why} onInput=${into(setWhy)} /></label>`}
    ${named && html`<label><span>${say("type_name", { site: pair.site })}</span><input class="typed" dir="auto" autocomplete="off" autocapitalize="off" spellcheck=${false} value=${typed} onInput=${into(setTyped)} /></label>`}
    <button type="submit" class="strong" disabled=${!ready}>${say(working ? "do_working" : label)}</button></form>`;
}

/** @param {{label: string, checked: boolean, set: (on: boolean) => void}} props */
export function Option({ label, checked, set }) {
  return html`<label class="option"><input type="checkbox" checked=${checked} onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => set(event.currentTarget.checked)} /> <span>${label}</span></label>`;
}
