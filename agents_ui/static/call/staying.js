// call/staying.js - during a call the screen stays on, and the page is not left by mistake

export function stayAwake() {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  let wanted = false;

  /** A phone lets go of it whenever the page is hidden. */
  async function hold() {
    if (!wanted || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      lock = await navigator.wakeLock.request("screen");
      if (!wanted) release();
    } catch (reason) {
      console.warn("the screen may go dark", reason);
    }
  }
  function release() {
    lock?.release().catch((/** @type {unknown} */ reason) => console.warn("screen", reason));
    lock = null;
  }
  const ask = (/** @type {Event} */ event) => event.preventDefault(); // the browser asks in its own words

  return {
    begin() {
      if (wanted) return;
      wanted = true;
      hold();
      document.addEventListener("visibilitychange", hold);
      addEventListener("beforeunload", ask);
    },
    end() {
      wanted = false;
      release();
      document.removeEventListener("visibilitychange", hold);
      removeEventListener("beforeunload", ask);
    },
  };
}
