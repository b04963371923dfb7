// chat/calling.js - the way to a call from this page; what a call needs is loaded when somebody wants one
import { signal } from "@preact/signals";
import { kept } from "../shared/keep.js";

const KEY = "muster.chat.call"; // see call/customer-call.js

/** @typedef {ReturnType<typeof openCalling>} Calling */

/** @param {{offered: boolean, number: string, notice: string}} centre whether calls from the page are taken at all */
export function openCalling({ offered, ...centre }) {
  /** @type {import("@preact/signals").Signal<import("../call/customer-call.js").CustomerCall | null>} */
  const call = signal(null);
  /** @type {import("@preact/signals").Signal<typeof import("../call/parts/customer-bar.js").CustomerBar | null>} */
  const bar = signal(null);
  const state = signal(/** @type {"" | "loading" | "failed"} */ (""));

  async function load() {
    state.value = "loading";
    try {
      const [{ openCustomerCall }, { CustomerBar }] = await Promise.all([import("../call/customer-call.js"), import("../call/parts/customer-bar.js")]);
      bar.value = CustomerBar;
      call.value ??= await openCustomerCall(centre);
      state.value = "";
    } catch (reason) {
      console.warn("calls could not be loaded", reason);
      state.value = "failed";
    }
    return call.value;
  }

  if (offered && kept(sessionStorage, KEY, null)) load().then((loaded) => loaded?.resume());
  return {
    offered,
    call,
    bar,
    state,
    start: async () => (call.peek() ?? (await load()))?.begin(),
  };
}
