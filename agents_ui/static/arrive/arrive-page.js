// arrive/arrive-page.js - a moment on the way; asks first where the other site is not known to have sent us
import { useEffect, useState } from "preact/hooks";
import { html } from "../shared/html.js";
import { say } from "../shared/words.js";
import { arrive } from "./arrival.js";

/**
 * @param {object} props
 * @param {import("./arrival.js").Sent} props.sent
 * @param {import("../shared/sites.js").Sites} props.sites
 * @param {boolean} props.trusted the other site's page sent this browser here, and no link of somebody else's
 */
export function ArrivePage({ sent, sites, trusted }) {
  const [going, setGoing] = useState(trusted);
  const [slow, setSlow] = useState(false);
  const { here_name: here, other_name: other } = sites;
  useEffect(() => void (going && arrive(sent, sites, () => setSlow(true))), [going]);
  if (!going) {
    return html`<main class="sign-in arriving">
      <p>${say("arriving_ask", { here, other })}</p>
      <button type="button" class="strong" autofocus onClick=${() => setGoing(true)}>${say("arriving_go_on", { here })}</button>
      <p><a href=${sent.kind === "chat" ? "/chat" : "/sign-in"}>${say("arriving_not")}</a></p>
    </main>`;
  }
  return html`<main class="sign-in arriving" role="status">
    <p><b>${say("arriving", { here })}</b></p>
    ${slow && html`<p>${say("arriving_slow", { here })}</p><p><a href=${sites.other_url}>${say("arriving_back", { other })}</a></p>`}
  </main>`;
}
