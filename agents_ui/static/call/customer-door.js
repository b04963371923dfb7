// call/customer-door.js - what the customer's page asks of the centre about its call (docs/architecture.md section 11.3)

/** How a call that goes on can stand, for the centre. */
export const OPEN = ["waiting", "dialling", "connected", "held"];
/** Why a call has ended for the centre that goes on with somebody outside, until the line itself ends. */
export const ELSEWHERE = "forwarded";
/** Refusals that pass: the call is tried again by itself while it is open. */
export const PASSING = ["voice_away", "no_ports", "away", "slow_down", "not_kept", ""];

/** @param {string} method @param {object} [body] @returns {Promise<{status: number, body: any}>} any: each method has its own answer; status 0: nobody answered */
export async function request(method, body) {
  try {
    const response = await fetch("/chat/call", {
      method,
      credentials: "same-origin",
      keepalive: method === "DELETE",
      headers: { "Content-Type": "application/json", "X-Muster": "1" },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, body: await response.json().catch(() => ({})) };
  } catch (reason) {
    console.warn("call", reason);
    return { status: 0, body: {} };
  }
}

/** @param {string} sdp our offer @returns {Promise<string>} the answer; a rejection has the `code` of the refusal */
export async function askForCall(sdp) {
  const { status, body } = await request("POST", { sdp, language: document.documentElement.lang });
  if (status === 200) return body.sdp;
  throw Object.assign(new Error(body.text ?? "no call"), { code: body.code ?? "" });
}
