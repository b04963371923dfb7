// words/elsewhere-desk.en.js - what desks, walls and the admin page say when the other site comes into it
export const words = {
  moving_silent: "No connection to {here} since {time}.",
  moving_asking: "Asking {other}…",
  moving_not_yet: "{other} answers, but has not taken over. You go there as soon as it does; until then both are asked.",
  moving_none: "{other} does not answer either. Both are asked again and again; you need not do anything.",
  moving_going: "{other} serves your work now. You go there in a moment.",
  moving_away: "Your work is served at {other} now.",
  moving_holding: "You go there when your conversations here are done.",
  moving_go_now: "Go to {other} now",

  moved_silent: "{from} stopped answering at {silent}, and {to} took over.",
  moved_take_over: "{to} took over from {from} at {since}.",
  moved_reroute: "{from} handed its work to {to} at {since}.",
  moved_return: "{to} serves its own work again.",
  moved_here: "You are at {to} now, signed in as before.",
  "moved_work.one": "{count} conversation is here with you.",
  "moved_work.other": "{count} conversations are here with you.",
  moved_no_work: "You hold no conversation now.",
  moved_read: "Understood",

  arriving: "Connecting you with {here}…",
  arriving_slow: "{here} does not answer yet. It is asked again and again.",
  arriving_ask: "You come from {other}. Go on here, signed in as there?",
  arriving_go_on: "Go on at {here}",
  arriving_not: "No, sign in myself",
  arriving_back: "Back to {other}",
};
