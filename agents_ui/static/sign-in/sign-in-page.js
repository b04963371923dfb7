// sign-in/sign-in-page.js - name and password; a one-time password is exchanged for an own one first
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../shared/ask.js";
import { html } from "../shared/html.js";
import { keep } from "../shared/keep.js";
import { ThemeToggle } from "../shared/theme-toggle.js";
import { say } from "../shared/words.js";
import { ChangePassword } from "./change-password.js";

/** The pages of each role, the usual one first. What the server allows is the server's business. @type {Record<string, string[]>} */
const PAGES = { agent: ["/desk"], supervisor: ["/desk", "/wall"], admin: ["/desk", "/wall", "/admin"], auditor: ["/admin"] };

/** @param {{ended: boolean}} props ended: a session ended while somebody worked */
export function SignInPage({ ended }) {
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const [oneTime, setOneTime] = useState(/** @type {{name: string, old: string} | null} */ (null));
  const [role, setRole] = useState("");
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => form.current?.querySelector("input")?.focus(), []);

  const enter = (/** @type {string} */ role) => {
    keep(sessionStorage, "muster.desk.ended", undefined);
    const pages = PAGES[role] ?? [];
    const wanted = new URLSearchParams(location.search).get("next") ?? "";
    if (pages.length) location.replace(pages.includes(wanted) ? wanted : pages[0]);
    else setRole(role);
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const fields = new FormData(form.current ?? undefined);
    const name = String(fields.get("name")).trim();
    const password = String(fields.get("password"));
    setBusy(true);
    const { status, body } = await ask("/api/sign-in", { agent_id: name, password });
    setBusy(false);
    if (status !== 200) return setTrouble(status ? body.text || say("failed") : say("unreachable"));
    setRole(body.role);
    if (body.must_change) setOneTime({ name, old: password });
    else enter(body.role);
  };

  if (oneTime) return html`<${Frame}><${ChangePassword} ...${oneTime} done=${() => enter(role)} /><//>`;
  if (role) return html`<${Frame}><p>${say("no_desk")}</p><//>`;
  return html`<${Frame}>
    <form ref=${form} onSubmit=${submit}>
      <h1>${say("heading")}</h1>
      ${ended && html`<p class="ended">${say("ended")}</p>`}
      <label><span>${say("name")}</span>
        <input name="name" autocomplete="username" autocapitalize="none" spellcheck=${false} required maxlength="200" /></label>
      <label><span>${say("password")}</span>
        <input name="password" type="password" autocomplete="current-password" required /></label>
      <p class="trouble" role="alert">${trouble}</p>
      <button type="submit" class="strong" disabled=${busy}>${say(busy ? "entering" : "enter")}</button>
    </form>
  <//>`;
}

/** @param {{children: import("preact").ComponentChildren}} props */
function Frame({ children }) {
  return html`<main class="sign-in"><div class="corner"><${ThemeToggle} /></div>${children}</main>`;
}
