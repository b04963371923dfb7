// sites/acts.js - what can be done, as plain choices; one is open at a time, and shows first what it would do
import { html } from "../shared/html.js";
import { dayAndTime } from "../shared/time.js";
import { say } from "../shared/words.js";
import { State } from "../admin/parts/state.js";
import { Drill } from "./drill.js";
import { HandOver } from "./hand-over.js";
import { Override } from "./override.js";
import { namesOf, whoIs } from "./pair.js";
import { Reroute } from "./reroute.js";
import { Return, TakeOver } from "./traffic.js";

/** In the order in which somebody at 3 a.m. needs them; keys are those of the words, fits that of the answer. */
export const CHOICES = [
  { key: "takeover", fits: "take-over", Inside: TakeOver },
  { key: "handover", fits: "hand-over", Inside: HandOver },
  { key: "return", fits: "return", Inside: Return },
  { key: "reroute", fits: "-", Inside: Reroute },
  { key: "override", fits: "-", Inside: Override },
  { key: "drill", fits: "-", Inside: Drill },
];

/** Bring it before the eyes and under the keys. @param {string} key */
export function showChoice(key) {
  const button = document.getElementById(`choice-${key}`);
  button?.focus();
  button?.scrollIntoView({ block: "start" });
}

/** @param {{admin: import("../admin/admin.js").Admin, pair: any, open: string, setOpen: (key: string) => void}} props any: the answer of /api/admin/sites */
export function Acts({ admin, pair, open, setOpen }) {
  return html`<section class="acts-of-sites"><h2>${say("acts")}</h2>
    <p class="hint">${say(pair.may_act ? "acts_look" : "acts_only_admin")}</p>
    ${pair.act && html`<${Work} pair=${pair} />`}
    <ul class="choices">${CHOICES.map(({ key, fits, Inside }) => html`<li key=${key} class="choice" data-fits=${fits === pair.fits}>
      <h3><button type="button" id=${`choice-${key}`} aria-expanded=${open === key} onClick=${() => setOpen(open === key ? "" : key)}>
        <span class="choice-sign" aria-hidden="true">${open === key ? "▾" : "▸"}</span> ${say(`act_${key}`)}
        ${fits === pair.fits && html` <em>◆ ${say("act_fits")}</em>`}</button></h3>
      <p>${say(`act_${key}_when`, namesOf(pair))}</p>
      ${open === key && html`<div class="choice-inside"><${Inside} admin=${admin} pair=${pair} /></div>`}</li>`)}</ul></section>`;
}

/** The latest take-over or return: how far it is, what it came to. @param {{pair: any}} props */
function Work({ pair }) {
  const { act } = pair;
  const values = { name: whoIs(pair, act.agent_id), time: dayAndTime(act.began_ms) };
  const tone = { done: "good", running: "waiting" }[/** @type {"done" | "running"} */ (act.state)] ?? "alarm";
  return html`<div class="work" role="status"><p><b>${say(act.act === "return" ? "work_return" : "work_takeover")}</b>${" "}
      <${State} tone=${tone}>${say(`work_${act.state}`, values)}<//></p>
    ${act.state === "running" && act.of > 0 && html`<p><progress max=${act.of} value=${act.done}></progress> ${say("work_progress", { done: act.done, count: act.of })}</p>`}
    ${act.lines.map((/** @type {string} */ line) => html`<p key=${line} dir="auto">${line}</p>`)}
    ${act.refusals.map((/** @type {any} */ each) => html`<p key=${each.code} dir="auto">${each.text}. <b>${say("refused_todo")}</b> ${each.todo}.</p>`)}</div>`;
}
