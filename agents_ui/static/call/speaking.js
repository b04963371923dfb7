// call/speaking.js - the agent's microphone over a shift: asked for in time, open only during calls, muted, unplugged
import { batch, computed, effect, signal } from "@preact/signals";
import { meterOf, openMicrophone, tryMicrophone, watchMicrophone } from "./microphone.js";

const LOUD = 35; // louder than this into a muted microphone is somebody who believes to be heard

/** @param {(track: MediaStreamTrack) => void} opened a new track, to be put on the line */
export function openSpeaking(opened) {
  const muted = signal(false);
  const problem = signal(/** @type {import("./microphone.js").Problem} */ (""));
  const level = signal(0); // 0 to 100, also while muted
  const wanted = signal(false);
  /** @type {MediaStreamTrack | null} */
  let track = null;
  let stopMeter = () => {};
  effect(() => {
    const enabled = !muted.value;
    if (track) track.enabled = enabled;
  });

  /** @returns {Promise<MediaStreamTrack | null>} the microphone; null, and `problem` says why, where there is none */
  async function open() {
    wanted.value = true;
    if (track) return track;
    const found = await openMicrophone();
    problem.value = found.problem;
    if (!found.track || !wanted.peek()) {
      found.track?.stop();
      return null;
    }
    track = found.track;
    track.enabled = !muted.value;
    track.onended = () => { // unplugged, or taken by another program
      drop();
      open();
    };
    stopMeter = meterOf(track, (loud) => (level.value = loud));
    opened(track);
    return track;
  }

  function drop() {
    stopMeter();
    track?.stop();
    track = null;
    level.value = 0;
  }

  /** Once more: in a call for the call, else only whether it would work. */
  async function prepare() {
    if (wanted.peek()) await open();
    else problem.value = await tryMicrophone();
  }
  watchMicrophone(() => problem.peek() && prepare());

  return {
    muted,
    problem,
    level,
    loudlyMuted: computed(() => muted.value && level.value > LOUD),
    open,
    prepare,
    /** The call is over. */
    close: () =>
      batch(() => {
        wanted.value = false;
        muted.value = false; // nobody begins the next call unheard
        drop();
      }),
  };
}
