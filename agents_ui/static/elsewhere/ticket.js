// elsewhere/ticket.js - the moving ticket of this page's session: fetched while the site lives, needed when it does not
import { ask } from "../shared/ask.js";

const RENEW_MS = 600_000;
const AGAIN_MS = 15_000;
const LOOK_MS = 5_000;

/** @param {string} path */
export function openTicket(path) {
  let ticket = "";
  let next_ms = 0;

  async function look() {
    if (Date.now() < next_ms) return;
    next_ms = Date.now() + AGAIN_MS;
    const { status, body } = await ask(path);
    if (status !== 200) return;
    ticket = body.ticket;
    next_ms = Date.now() + RENEW_MS;
  }

  void look();
  setInterval(look, LOOK_MS);
  return { current: () => ticket };
}
