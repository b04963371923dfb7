// words/elsewhere-chat.en.js - when the other site of the centre comes into it, in English
export const words = {
  moving_asking: "No connection right now. We are also trying our second site.",
  moving_going: "Our second site takes over. You are being connected.",
  moved_here: "You are now connected with {to}. Just go on here.",
  arriving: "Connecting you with {here}…",
  arriving_slow: "This takes longer than usual. We keep trying.",
  arriving_ask: "You come from {other}. Go on with your conversation here?",
  arriving_go_on: "Go on here",
  arriving_not: "No, a new chat",
  arriving_back: "Back to {other}",
};
