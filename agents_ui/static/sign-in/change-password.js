// sign-in/change-password.js - exchanges a one-time password for one of the person's own
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../shared/ask.js";
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";

/** @param {{name: string, old: string, done: () => void}} props */
export function ChangePassword({ name, old, done }) {
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => form.current?.querySelector("input")?.focus(), []);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const fields = new FormData(form.current ?? undefined);
    const chosen = String(fields.get("new"));
    if (chosen !== fields.get("again")) return setTrouble(say("not_equal"));
    setBusy(true);
    const { status, body } = await ask("/api/password", { old, new: chosen });
    setBusy(false);
    if (status === 200) done();
    else setTrouble(status ? body.text || say("failed") : say("unreachable"));
  };
  return html`<form ref=${form} onSubmit=${submit}>
    <h1>${say("change_heading")}</h1>
    <p>${say("change_text")}</p>
    <input type="text" value=${name} autocomplete="username" hidden readonly />
    <label><span>${say("new_password")}</span>
      <input name="new" type="password" autocomplete="new-password" required minlength="12" /></label>
    <label><span>${say("new_again")}</span>
      <input name="again" type="password" autocomplete="new-password" required /></label>
    <p class="trouble" role="alert">${trouble}</p>
    <button type="submit" class="strong" disabled=${busy}>${say("change")}</button>
  </form>`;
}
