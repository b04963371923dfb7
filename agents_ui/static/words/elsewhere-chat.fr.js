// words/elsewhere-chat.fr.js - when the other site of the centre comes into it, in French
export const words = {
  moving_asking: "Pas de connexion pour le moment. Nous essayons aussi notre deuxième site.",
  moving_going: "Notre deuxième site prend le relais. Nous vous connectons.",
  moved_here: "Vous êtes maintenant en contact avec {to}. Continuez ici.",
  arriving: "Connexion avec {here}…",
  arriving_slow: "Cela prend plus de temps que d’habitude. Nous continuons d’essayer.",
  arriving_ask: "Vous venez de {other}. Continuer votre conversation ici ?",
  arriving_go_on: "Continuer ici",
  arriving_not: "Non, un nouveau chat",
  arriving_back: "Retour à {other}",
};
