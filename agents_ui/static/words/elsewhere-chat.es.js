// words/elsewhere-chat.es.js - when the other site of the centre comes into it, in Spanish
export const words = {
  moving_asking: "Ahora no hay conexión. También lo intentamos en nuestra segunda sede.",
  moving_going: "Nuestra segunda sede toma el relevo. Le estamos conectando.",
  moved_here: "Ahora está en contacto con {to}. Siga aquí.",
  arriving: "Conectando con {here}…",
  arriving_slow: "Tarda más de lo normal. Seguimos intentándolo.",
  arriving_ask: "Viene de {other}. ¿Quiere seguir aquí su conversación?",
  arriving_go_on: "Seguir aquí",
  arriving_not: "No, un chat nuevo",
  arriving_back: "Volver a {other}",
};
