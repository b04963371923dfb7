// words/elsewhere-chat.nl.js - when the other site of the centre comes into it, in Dutch
export const words = {
  moving_asking: "Er is nu geen verbinding. We proberen ook onze tweede locatie.",
  moving_going: "Onze tweede locatie neemt het over. U wordt verbonden.",
  moved_here: "U bent nu verbonden met {to}. Ga hier gewoon verder.",
  arriving: "U wordt verbonden met {here}…",
  arriving_slow: "Het duurt langer dan anders. We blijven het proberen.",
  arriving_ask: "U komt van {other}. Wilt u uw gesprek hier voortzetten?",
  arriving_go_on: "Hier verdergaan",
  arriving_not: "Nee, een nieuwe chat",
  arriving_back: "Terug naar {other}",
};
